// The services of examples/ run for a moment in a private namespace with traffic, and print what was sent there. (The demo has a test of its own.)
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Programs } from '../support/iptables-programs.ts';
import { cleanEnv, type TestNamespace, withNamespace } from '../support/namespace.ts';
import { Scrape } from '../support/scrape.ts';

const PORT = 9;

function main(example: string): string {
  return fileURLToPath(new URL(`../../examples/${example}/main.js`, import.meta.url));
}
async function send(ns: TestNamespace, packets: number): Promise<void> {
  await ns.must('bash', ['-c', `for ((i = 0; i < ${packets}; i++)); do echo 12345 2>/dev/null >/dev/udp/127.0.0.1/${PORT}; done`]);
}

/** A program that goes on until it is told to end; ended at the latest with `using`. */
class Running implements AsyncDisposable {
  readonly child: ChildProcess;
  printed = '';
  errors = '';
  readonly #closed: Promise<unknown>;

  constructor(command: string, args: readonly string[]) {
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: cleanEnv() });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.printed += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text;
    });
    this.#closed = once(this.child, 'close');
  }

  /** Waits until what was printed has it. */
  async has(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.printed);
      if (found !== null) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        assert.fail(`ended without ${String(what)}: ${this.printed}${this.errors}`);
      await Promise.race([once(this.child.stdout as Readable, 'data'), this.#closed]);
    }
  }
  async ended(): Promise<number | null> {
    await this.#closed;
    return this.child.exitCode;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.child.kill('SIGKILL');
    // What it has started may still hold them.
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) stream?.destroy();
    await this.#closed;
  }
}

/** `comment` is a rule's. */
async function withRules(comment: string, fn: (ns: TestNamespace) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    ns.up();
    const rules = `udp dport ${PORT} counter comment "${comment}"\n tcp dport 1 counter comment "idle"`;
    const chain = `chain out {\n type filter hook output priority 0; policy accept;\n ${rules}\n }`;
    const text = `table inet t {\n set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2 } }\n ${chain}\n}\n`;
    await ns.must('nft', ['-f', '-'], { input: text });
    await fn(ns);
  });
}

describe('examples/metrics', () => {
  it('serves the counters of another namespace, both backends, until Ctrl-C', async () => {
    await withRules('sent', async (ns) => {
      await new Programs('legacy', 'ip').restore(ns, `*filter\n-A OUTPUT -p udp -m comment --comment legacy\nCOMMIT\n`);
      await send(ns, 8);
      await withNamespace(async (own) => {
        own.up();
        const args = ['--netns', ns.path, '--port', '0', '--set', 'inet t s', '--max-series', '1'];
        await using service = new Running('nsenter', [`--net=${own.path}`, '--', process.execPath, main('metrics'), ...args]);
        const [url = ''] = await service.has(/http:.*(?=\n)/);
        const get = (path: string): Promise<string> =>
          own.must(process.execPath, [
            '-e',
            `fetch(${JSON.stringify(new URL(path, url))}).then(async (r) => console.log(r.status, await r.text()))`,
          ]);
        const [status, ...text] = (await get('/metrics')).split(' ');
        assert.equal(status, '200');
        const s = new Scrape(text.join(' '));
        const packets = s.all('nflink_rule_packets_total');
        assert.deepEqual(packets, {
          'nftables inet t out sent': 8,
          'nftables true': 0,
          'iptables-legacy ip filter OUTPUT legacy': 8,
        });
        assert.equal(s.value('nflink_set_elements', { set: 's' }), 2);
        assert.equal((await get('/')).trim(), '404 /metrics');
        service.child.kill('SIGINT');
        assert.equal(await service.ended(), 0, service.errors);
        assert.equal(service.errors, '');
      });
    });
  });

  it('says what is wrong with a command line', async () => {
    await using service = new Running(process.execPath, [main('metrics'), '--source', 'ebtables']);
    assert.equal(await service.ended(), 2);
    assert.equal(service.errors, '--source ebtables: nftables, iptables or ip6tables\n');
  });
});

describe('examples/rates', () => {
  it('prints plain lists in a pipe, of rules that count, until Ctrl-C', async () => {
    await withRules('sent', async (ns) => {
      await using rates = new Running(process.execPath, [main('rates'), '--netns', ns.path, '--interval', '0.02', '--table', 'inet t']);
      // The first list has nothing to compare with.
      await rates.has(/ 2 rules, 0 of them busy/);
      await send(ns, 5);
      // Polls may have been skipped, which the list says.
      await rates.has(/ 2 rules, 1 of them busy.*\n.*\n +\d+\.\d +\d+\.\d +inet t out sent\n/);
      rates.child.kill('SIGINT');
      assert.equal(await rates.ended(), 0, rates.errors);
      assert.equal(rates.errors, '');
      assert.doesNotMatch(rates.printed, /\x1b|idle/);
    });
  });

  it('ends by itself after --count, and where nobody reads', async () => {
    await withRules('sent', async (ns) => {
      const program = `${process.execPath} ${main('rates')} --netns ${ns.path} --interval 0.02`;
      await using counted = new Running('sh', ['-c', `exec ${program} --count 3`]);
      assert.equal(await counted.ended(), 0, counted.errors);
      assert.equal(counted.printed.match(/2 rules, 0 of them busy/g)?.length, 3);
      await using piped = new Running('bash', ['-o', 'pipefail', '-c', `${program} | head -n 1`]);
      assert.equal(await piped.ended(), 0, piped.errors);
    });
  });

  it('draws on a terminal in place, obeys no comment, and ends with Ctrl-C', async () => {
    await withRules('sent\x1b[2J', async (ns) => {
      // `exec`: a shell in between would be ended by Ctrl-C too.
      const program = `exec ${process.execPath} ${main('rates')} --netns ${ns.path} --interval 0.02`;
      await using rates = new Running('script', ['-qfec', program, '/dev/null']);
      // A second list goes up over the first one's two lines.
      await rates.has(/0 of them busy.*\x1b\[K\r\n[\s\S]*\x1b\[2F[^\n]*0 of them busy/);
      await send(ns, 5);
      await rates.has(/inet t out sent\?\[2J\x1b\[K/);
      assert.doesNotMatch(rates.printed, /\x1b\[2J/);
      rates.child.stdin?.write('\x03');
      assert.equal(await rates.ended(), 0, rates.printed);
    });
  });

  it('shows why a poll failed and goes on', async () => {
    await withRules('sent', async (ns) => {
      await using rates = new Running(process.execPath, [main('rates'), '--netns', ns.path, '--interval', '0.02', '--table', 'inet t']);
      await rates.has(/ 2 rules/);
      await ns.must('nft', ['delete table inet t']);
      await rates.has(/table inet t.*ENOENT/);
      await ns.must('nft', ['add table inet t; add chain inet t c; add rule inet t c counter']);
      await rates.has(/ENOENT[\s\S]* 1 rules/);
      rates.child.kill('SIGTERM');
      assert.equal(await rates.ended(), 0, rates.errors);
    });
  });
});
