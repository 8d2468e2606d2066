// The services of examples/ run for a moment in a private namespace with traffic, and print what was sent there. (The demo has a test of its own.)
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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
    return await this.#until(what, () => this.printed, this.child.stdout);
  }
  async complains(what: RegExp): Promise<RegExpExecArray> {
    return await this.#until(what, () => this.errors, this.child.stderr);
  }
  async #until(what: RegExp, printed: () => string, stream: Readable | null): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(printed());
      if (found !== null) return found;
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        assert.fail(`ended without ${String(what)}: ${this.printed}${this.errors}`);
      await Promise.race([once(stream as Readable, 'data'), this.#closed]);
    }
  }
  tell(...lines: readonly string[]): void {
    this.child.stdin?.write(`${lines.join('\n')}\n`);
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

const web = { name: 'shop/web', ip: '10.96.0.10', port: 80, endpoints: ['10.1.0.2:8080', '10.1.0.3:8080'] };
const dns = { name: 'kube-system/dns', ip: '10.96.0.53', port: 53, protocol: 'udp', endpoints: [] };

/** The lines of one table with `words` in them, as the real program prints them, without what is hashed in chains' names. */
async function saved(ns: TestNamespace, backend: 'nft' | 'legacy', table: string, words: string): Promise<string[]> {
  const text = await ns.must(`iptables-${backend}-save`, ['-t', table]);
  const lines = text.split('\n').filter((line) => line.includes(words));
  return lines.map((line) => line.replace(/(KUBE-S..-)[0-9A-F]{16}/g, '$1…'));
}

describe('examples/kube-proxy', () => {
  it('follows lines of services, touches nothing of others, puts back what they take, and takes its own away when asked', async () => {
    await withNamespace(async (ns) => {
      await ns.must('iptables-nft', ['-t', 'nat', '-A', 'PREROUTING', '-i', 'eth9', '-j', 'ACCEPT']);
      await ns.must('iptables-nft', ['-t', 'nat', '-N', 'KUBE-MARK-MASQ']);
      const args = [main('kube-proxy'), '--netns', ns.path, '--backend', 'nft'];
      await using proxy = new Running(process.execPath, [...args, '--resync', '0.1']);
      proxy.tell(JSON.stringify(web));
      // A service is a rule, its endpoints two each; there are four jumps.
      await proxy.has(/^\+9 -0 =0$/m);
      const portals = '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES';
      assert.deepEqual(await saved(ns, 'nft', 'nat', '-A PREROUTING'), [`-A PREROUTING ${portals}`, '-A PREROUTING -i eth9 -j ACCEPT']);
      const service = '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web" -m tcp --dport 80 -j KUBE-SVC-…';
      assert.deepEqual(await saved(ns, 'nft', 'nat', '-A KUBE-SERVICES'), [service]);
      assert.deepEqual(await saved(ns, 'nft', 'nat', '-A KUBE-SVC-'), [
        '-A KUBE-SVC-… -m comment --comment "shop/web -> 10.1.0.2:8080" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-…',
        '-A KUBE-SVC-… -m comment --comment "shop/web -> 10.1.0.3:8080" -j KUBE-SEP-…',
      ]);
      assert.deepEqual((await saved(ns, 'nft', 'nat', '-A KUBE-SEP-')).sort(), [
        '-A KUBE-SEP-… -p tcp -m comment --comment "shop/web" -j DNAT --to-destination 10.1.0.2:8080',
        '-A KUBE-SEP-… -p tcp -m comment --comment "shop/web" -j DNAT --to-destination 10.1.0.3:8080',
      ]);

      proxy.tell('{"name":"broken"', JSON.stringify(dns));
      await proxy.has(/^\+1 -0 =9$/m);
      await proxy.complains(/^line 2: SyntaxError.*\n$/);
      assert.deepEqual(await saved(ns, 'nft', 'filter', '-A KUBE-'), [
        '-A KUBE-SERVICES -d 10.96.0.53/32 -p udp -m comment --comment "kube-system/dns has no endpoints" -m udp --dport 53 -j REJECT --reject-with icmp-port-unreachable',
      ]);

      const jump = ['-m', 'comment', '--comment', 'kubernetes service portals', '-j', 'KUBE-SERVICES'];
      await ns.must('iptables-nft', ['-t', 'nat', '-D', 'PREROUTING', ...jump]);
      await proxy.has(/^\+1 -0 =9\n\+1 -0 =9$/m);
      assert.deepEqual(await saved(ns, 'nft', 'nat', '-A PREROUTING'), [`-A PREROUTING ${portals}`, '-A PREROUTING -i eth9 -j ACCEPT']);

      proxy.tell(JSON.stringify({ name: 'shop/web', gone: true }));
      await proxy.has(/^\+0 -5 =5$/m);
      proxy.child.kill('SIGINT');
      assert.equal(await proxy.ended(), 0, proxy.errors);
      assert.equal((await saved(ns, 'nft', 'nat', 'KUBE-SERVICES')).length, 3);

      await using cleanUp = new Running(process.execPath, [...args, '--cleanup']);
      assert.equal(await cleanUp.ended(), 0, cleanUp.errors);
      assert.deepEqual(await saved(ns, 'nft', 'nat', 'KUBE-'), [':KUBE-MARK-MASQ - [0:0]']);
      assert.deepEqual(await saved(ns, 'nft', 'filter', 'KUBE-'), []);
      assert.deepEqual(await saved(ns, 'nft', 'nat', '-A PREROUTING'), ['-A PREROUTING -i eth9 -j ACCEPT']);
    });
  });

  it('reads its file again when it is replaced, on legacy tables, and keeps what was desired where it is none', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nflink-services-'));
    try {
      await withNamespace(async (ns) => {
        const file = join(folder, 'services.json');
        const replace = (text: string): void => {
          writeFileSync(`${file}.new`, text);
          renameSync(`${file}.new`, file);
        };
        replace(JSON.stringify([web, dns]));
        const args = [main('kube-proxy'), '--netns', ns.path, '--backend', 'legacy', '--file', file];
        await using proxy = new Running(process.execPath, args);
        await proxy.has(/^\+10 -0 =0$/m);
        replace('[{}]');
        await proxy.complains(/services\.json: TypeError: a service has a name/);
        replace(JSON.stringify([{ ...web, endpoints: ['10.1.0.2:8080'] }, dns]));
        // Of two endpoints the first had a chance, and the second its rule: both chains' rules of it go.
        await proxy.has(/^\+1 -3 =7$/m);
        assert.deepEqual((await saved(ns, 'legacy', 'nat', '-A KUBE-')).sort(), [
          '-A KUBE-SEP-… -p tcp -m comment --comment "shop/web" -j DNAT --to-destination 10.1.0.2:8080',
          '-A KUBE-SERVICES -d 10.96.0.10/32 -p tcp -m comment --comment "shop/web" -m tcp --dport 80 -j KUBE-SVC-…',
          '-A KUBE-SVC-… -m comment --comment "shop/web -> 10.1.0.2:8080" -j KUBE-SEP-…',
        ]);
        proxy.child.kill('SIGTERM');
        assert.equal(await proxy.ended(), 0, proxy.errors);
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('ends with its input', async () => {
    await withNamespace(async (ns) => {
      await using proxy = new Running(process.execPath, [main('kube-proxy'), '--netns', ns.path, '--backend', 'nft']);
      proxy.child.stdin?.end(JSON.stringify(dns));
      assert.equal(await proxy.ended(), 0, proxy.errors);
      assert.match(proxy.printed, /^\+5 -0 =0$/m);
    });
  });
});

describe('examples/blocklist', () => {
  it('blocks addresses for their time, refreshes it, and begins anew where the table is gone', async () => {
    await withNamespace(async (ns) => {
      ns.up();
      await using feeder = new Running(process.execPath, [main('blocklist'), '--netns', ns.path, '--seconds', '100']);
      await feeder.has(/ready/);
      feeder.tell('192.0.2.1 50', '192.0.2.2 2000', '127.0.0.1', 'no address', '192.0.2.3 -1');
      await feeder.has(/^3 addresses in/m);
      await feeder.complains(/^line 4: no address\nline 5: 192\.0\.2\.3 -1\n$/);
      const timeouts = async (): Promise<Record<string, number>> => {
        const { nftables } = JSON.parse(await ns.must('nft', ['-j', 'list', 'set', 'inet', 'edge', 'blocked'])) as {
          nftables: { set?: { elem?: { elem: { val: string; timeout: number } }[] } }[];
        };
        const elements = nftables.flatMap(({ set }) => set?.elem ?? []);
        return Object.fromEntries(elements.map(({ elem }) => [elem.val, elem.timeout]));
      };
      assert.deepEqual(await timeouts(), { '192.0.2.1': 50, '192.0.2.2': 2000, '127.0.0.1': 100 });
      feeder.tell('192.0.2.1 3000');
      await feeder.has(/^1 addresses in/m);
      assert.deepEqual(await timeouts(), { '192.0.2.1': 3000, '192.0.2.2': 2000, '127.0.0.1': 100 });

      // What comes from there goes no further.
      await send(ns, 3);
      const chain = await ns.must('nft', ['list', 'chain', 'inet', 'edge', 'blocklist']);
      assert.match(
        chain,
        /hook prerouting priority raw; policy accept;\n\s+ip saddr @blocked counter packets 3 bytes \d+ drop comment "blocked"/,
      );

      await ns.must('nft', ['delete', 'table', 'inet', 'edge']);
      feeder.tell('192.0.2.9');
      await feeder.has(/(addresses in[\s\S]*){3}/);
      assert.deepEqual(await timeouts(), { '192.0.2.9': 100 });
      assert.match(await ns.must('nft', ['list', 'chain', 'inet', 'edge', 'blocklist']), /@blocked/);
      feeder.child.kill('SIGTERM');
      assert.equal(await feeder.ended(), 0, feeder.errors);
    });
  });

  it('sends what comes at once in few transactions, and all of it before it ends with its input', async () => {
    await withNamespace(async (ns) => {
      await using feeder = new Running(process.execPath, [main('blocklist'), '--netns', ns.path, '--set', 'ip own bad', '--batch', '4000']);
      const addresses = Array.from({ length: 10_000 }, (_, i) => `198.18.${i >> 8}.${i & 255}`);
      feeder.child.stdin?.end(addresses.join('\n'));
      assert.equal(await feeder.ended(), 0, feeder.errors);
      const sent = [...feeder.printed.matchAll(/^(\d+) addresses/gm)].map(([, count]) => Number(count));
      assert.equal(
        sent.reduce((sum, count) => sum + count),
        10_000,
      );
      assert.ok(sent.every((count) => count <= 4000) && sent.length < 100, String(sent));
      const set = await ns.must('nft', ['list', 'set', 'ip', 'own', 'bad']);
      assert.equal(set.match(/198\.18\./g)?.length, 10_000);
    });
  });
});
