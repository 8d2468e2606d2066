// Scrapes of nflink/prometheus over HTTP, beside packets that were sent and what the real programs say; what resets, replacements, a failing poll, a
// lock held by somebody and too many rules do to them.
import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Iptables, NetfilterError, Nftables } from 'nflink';
import { type CollectorOptions, NetfilterCollector, type PollFailure } from 'nflink/prometheus';
import * as client from 'prom-client';
import { backends, Programs } from '../support/iptables-programs.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { type Scrape, withScrapes } from '../support/scrape.ts';
import { lockFile } from '../support/xtables-lock.ts';

const PORT = 9;
/** An IPv4 and a UDP header and six bytes. */
const BYTES = 34;

async function send(ns: TestNamespace, packets: number, port = PORT): Promise<void> {
  await ns.must('bash', ['-c', `for ((i = 0; i < ${packets}; i++)); do echo 12345 2>/dev/null >/dev/udp/127.0.0.1/${port}; done`]);
}

interface Failed extends PollFailure {
  readonly error: Error;
}
interface Setting {
  readonly ns: TestNamespace;
  scrape(): Promise<Scrape>;
  readonly registry: client.Registry;
  readonly failures: Failed[];
  readonly collector: NetfilterCollector;
}
type Options = Omit<CollectorOptions, 'sources' | 'registers' | 'onError'>;

async function withCollector(
  ns: TestNamespace,
  sources: readonly (Nftables | Iptables)[],
  o: Options,
  fn: (setting: Setting) => Promise<void>,
): Promise<void> {
  const registry = new client.Registry();
  const failures: Failed[] = [];
  const onError = (error: Error, failure: PollFailure): void => void failures.push({ ...failure, error });
  const collector = new NetfilterCollector(client, { ...o, sources, registers: [registry], onError });
  await withScrapes(registry, (scrape) => fn({ ns, scrape, registry, failures, collector }));
}

async function withNft(text: string, o: Options, fn: (setting: Setting & { readonly nft: Nftables }) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    ns.up();
    await ns.must('nft', ['-f', '-'], { input: text });
    await using nft = await Nftables.open({ netns: ns.path });
    await withCollector(ns, [nft], o, (setting) => fn({ ...setting, nft }));
  });
}

const outputUdp = `table inet t {
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport ${PORT} counter comment "one"
    udp dport ${PORT} counter
    udp dport ${PORT}
  }
}
`;

describe('a scrape of Nftables', () => {
  const text = `table inet t {
  counter c { comment "x" }
  quota q { over 1000 bytes }
  set s { type ipv4_addr; elements = { 10.0.0.1, 10.0.0.2, 10.0.0.3 } }
  set ranges { type ipv4_addr; flags interval; elements = { 10.0.0.0/24, 10.1.0.0-10.1.0.9 } }
  set empty { type ipv4_addr; }
  chain out {
    type filter hook output priority 0; policy accept;
    udp dport ${PORT} counter comment "one \\\\ and = {two}"
    udp dport ${PORT} counter name "c" quota name "q" counter
    udp dport ${PORT}
  }
}
`;
  const set = (name: string) => ({ family: 'inet', table: 't', name }) as const;

  it('has rules, named counters, quotas and set sizes as they were counted', async () => {
    await withNft(text, { sets: [set('s'), set('ranges'), set('empty')] }, async ({ ns, scrape, failures }) => {
      await send(ns, 7);
      const s = await scrape();
      assert.deepEqual(failures, []);
      const rules = { source: 'nftables', family: 'inet', table: 't', chain: 'out' };
      const listed = JSON.parse(await ns.must('nft', ['-j', 'list', 'ruleset'])) as {
        nftables: { rule?: { handle: number; comment?: string } }[];
      };
      const handles = listed.nftables.flatMap(({ rule }) => (rule === undefined ? [] : [rule.handle]));
      assert.equal(handles.length, 3);
      // The third rule does not count; of the second only what is below the quota comes to its counter: nothing, until it is used up.
      const packets = s.all('nflink_rule_packets_total', rules);
      assert.deepEqual(packets, { 'one \\\\ and = {two}': 7, [`handle ${handles[1]}`]: 0 });
      assert.equal(s.value('nflink_rule_bytes_total', { ...rules, rule: 'one \\\\ and = {two}' }), 7 * BYTES);
      const named = { source: 'nftables', family: 'inet', table: 't' };
      assert.deepEqual(s.all('nflink_counter_packets_total', named), { c: 7 });
      assert.deepEqual(s.all('nflink_counter_bytes_total', named), { c: 7 * BYTES });
      assert.deepEqual(s.all('nflink_quota_used_bytes', named), { q: 7 * BYTES });
      assert.deepEqual(s.all('nflink_quota_limit_bytes', named), { q: 1000 });
      assert.deepEqual(s.all('nflink_set_elements', named), { s: 3, ranges: 2, empty: 0 });
      assert.deepEqual(s.all('nflink_series_left_out', { source: 'nftables' }), { rules: 0, chains: 0, counters: 0, quotas: 0 });
      assert.deepEqual(s.all('nflink_poll_errors_total', { source: 'nftables' }), { rules: 0, chains: 0, counters: 0, quotas: 0, sets: 0 });
      const durations = s.all('nflink_poll_duration_seconds', { source: 'nftables' });
      assert.deepEqual(Object.keys(durations), ['rules', 'chains', 'counters', 'quotas', 'sets']);
      assert.ok(Object.values(durations).every((seconds) => seconds > 0));
    });
  });

  it('has names, types and help as Prometheus has them', async () => {
    await withNft(text, { sets: [set('s')] }, async ({ scrape }) => {
      const s = await scrape();
      assert.deepEqual(
        s.names.map((name) => `${name} ${s.type(name)}`),
        [
          'nflink_rule_packets_total COUNTER',
          'nflink_rule_bytes_total COUNTER',
          'nflink_chain_policy_packets_total COUNTER',
          'nflink_chain_policy_bytes_total COUNTER',
          'nflink_counter_packets_total COUNTER',
          'nflink_counter_bytes_total COUNTER',
          'nflink_quota_used_bytes GAUGE',
          'nflink_quota_limit_bytes GAUGE',
          'nflink_set_elements GAUGE',
          'nflink_series_left_out GAUGE',
          'nflink_poll_duration_seconds GAUGE',
          'nflink_poll_errors_total COUNTER',
        ],
      );
      const units = /^(Packets|Bytes|Seconds|Number) .*\.$/;
      for (const name of s.names) assert.match(s.help(name) ?? '', units, name);
    });
  });

  it('is one poll of each, however many metrics there are and whoever scrapes at the same time', async () => {
    await withNft(text, { sets: [set('s'), set('ranges')] }, async ({ nft, scrape, registry, collector }) => {
      const calls = (['counters', 'chainCounters', 'namedCounters', 'quotas', 'elementCount'] as const).map((name) =>
        mock.method(nft, name),
      );
      await scrape();
      assert.deepEqual(
        calls.map((c) => c.mock.callCount()),
        [1, 1, 1, 1, 2],
      );
      const [one, other] = await Promise.all([registry.metrics(), registry.metrics()]);
      assert.equal(one, other);
      assert.equal(calls[0]?.mock.callCount(), 2);
      collector.unregister();
      assert.deepEqual((await scrape()).names, []);
      assert.equal(calls[0]?.mock.callCount(), 2);
    });
  });

  it('drops the series of a rule that is gone, and begins anew for one that is reset or replaced', async () => {
    await withNft(outputUdp, {}, async ({ ns, scrape, nft }) => {
      const rules = async (): Promise<Record<string, number>> =>
        (await scrape()).all('nflink_rule_packets_total', { source: 'nftables', family: 'inet', table: 't', chain: 'out' });
      await send(ns, 5);
      const [one, two] = [...(await nft.snapshot()).rules()];
      const second = `handle ${two?.handle}`;
      assert.deepEqual(await rules(), { one: 5, [second]: 5 });
      const reset = nft.transaction();
      reset.reset({ chain: { family: 'inet', table: 't', name: 'out' } });
      await reset.commit();
      await send(ns, 2);
      assert.deepEqual(await rules(), { one: 2, [second]: 2 });
      await ns.must('nft', [`replace rule inet t out handle ${one?.handle} udp dport ${PORT} counter accept comment "one"`]);
      await send(ns, 1);
      // The first accepts now.
      assert.deepEqual(await rules(), { one: 1, [second]: 2 });
      await ns.must('nft', [`delete rule inet t out handle ${two?.handle}`]);
      assert.deepEqual(await rules(), { one: 1 });
      await ns.must('nft', ['delete table inet t']);
      assert.deepEqual(await rules(), {});
    });
  });
});

describe('labels and the maximum of series', () => {
  const labelled = (names: readonly string[]): string =>
    `table inet t {\n chain out {\n type filter hook output priority 0; policy accept;\n${names
      .map((name) => ` udp dport ${PORT} counter comment "${name}"`)
      .join('\n')}\n }\n}\n`;

  it('sum what is beyond the maximum into one series that says so, and keep its increase right when rules come and go', async () => {
    await withNft(labelled(['a', 'b', 'c', 'd']), { maxSeries: 2 }, async ({ ns, scrape, nft }) => {
      const left = async (s: Scrape): Promise<readonly unknown[]> => [
        s.all('nflink_rule_packets_total', { source: 'nftables', family: 'inet', table: 't', chain: 'out' }),
        s.value('nflink_rule_packets_total', { others: 'true' }),
        s.value('nflink_rule_bytes_total', { others: 'true' }),
        s.value('nflink_series_left_out', { of: 'rules' }),
      ];
      await send(ns, 10);
      assert.deepEqual(await left(await scrape()), [{ a: 10, b: 10 }, 20, 20 * BYTES, 2]);
      const d = [...(await nft.snapshot()).rules({ comment: 'd' })][0];
      await ns.must('nft', [`delete rule inet t out handle ${d?.handle}`]);
      await send(ns, 3);
      // A sum of 13, less than before, would be an increase of 13 to Prometheus: it has been 3.
      assert.deepEqual(await left(await scrape()), [{ a: 13, b: 13 }, 23, 23 * BYTES, 1]);
      await ns.must('nft', [`insert rule inet t out udp dport ${PORT} counter comment "first"`]);
      await send(ns, 1);
      assert.deepEqual(await left(await scrape()), [{ a: 14, b: 14 }, 25, 25 * BYTES, 2]);
    });
  });

  it('are the caller’s: rules with the same labels are one series, undefined is left out', async () => {
    const rules = {
      names: ['service'],
      labels: ({ comment = '' }: { readonly comment?: string }) =>
        comment === 'none' ? undefined : { service: comment.split(' ')[0] ?? '' },
    };
    await withNft(labelled(['web 1', 'web 2', 'dns 1', 'none']), { rules }, async ({ ns, scrape, nft }) => {
      await send(ns, 4);
      const packets = async () => (await scrape()).all('nflink_rule_packets_total', { source: 'nftables' });
      assert.deepEqual(await packets(), { web: 8, dns: 4 });
      const gone = [...(await nft.snapshot()).rules({ comment: 'web 1' })][0];
      await ns.must('nft', [`delete rule inet t out handle ${gone?.handle}`]);
      await send(ns, 1);
      assert.deepEqual(await packets(), { web: 9, dns: 5 });
    });
  });

  it('are asked for when a rule is new or has another place, not at every scrape', async () => {
    const asked: string[] = [];
    const rules = {
      names: ['rule', 'place'],
      labels: ({ comment = '', index }: { readonly comment?: string; readonly index: number }) => {
        asked.push(comment);
        return { rule: comment, place: String(index) };
      },
    };
    await withNft(labelled(['a', 'b', 'c']), { rules }, async ({ ns, scrape }) => {
      const askedBy = async (change: () => Promise<unknown>): Promise<[string, string]> => {
        asked.length = 0;
        await change();
        const s = await scrape();
        return [asked.join(' '), Object.keys(s.all('nflink_rule_packets_total', { source: 'nftables' })).join(', ')];
      };
      assert.deepEqual(await askedBy(async () => {}), ['a b c', 'a 0, b 1, c 2']);
      assert.deepEqual(await askedBy(() => send(ns, 1)), ['', 'a 0, b 1, c 2']);
      assert.deepEqual(await askedBy(() => ns.must('nft', ['add table inet another'])), ['', 'a 0, b 1, c 2']);
      assert.deepEqual(await askedBy(() => ns.must('nft', ['add rule inet t out counter comment "d"'])), ['d', 'a 0, b 1, c 2, d 3']);
      const second = (await ns.must('nft', ['-a', 'list', 'chain', 'inet', 't', 'out'])).split('\n').find((l) => l.includes('"b"'));
      const handle = /handle (\d+)/.exec(second ?? '')?.[1] ?? '';
      assert.deepEqual(await askedBy(() => ns.must('nft', [`insert rule inet t out position ${handle} counter comment "e"`])), [
        'e b c d',
        'a 0, e 1, b 2, c 3, d 4',
      ]);
      const renamed = `replace rule inet t out handle ${handle} counter comment "f"`;
      assert.deepEqual(await askedBy(() => ns.must('nft', [renamed])), ['f', 'a 0, e 1, c 3, d 4, f 2']);
    });
  });

  it('that were not declared fail the poll of rules and nothing else', async () => {
    const rules = { names: ['a'], labels: () => ({ b: 'c' }) };
    await withNft(labelled(['x']), { rules }, async ({ scrape, failures }) => {
      const s = await scrape();
      assert.deepEqual(s.all('nflink_rule_packets_total'), {});
      assert.deepEqual(s.all('nflink_poll_errors_total', { source: 'nftables' }), { rules: 1, chains: 0, counters: 0, quotas: 0 });
      assert.match(failures[0]?.error.message ?? '', /rule label "b" is not among the label names/);
    });
  });

  it('limit counters and quotas too', async () => {
    const text =
      'table inet t {\n counter a { packets 1 bytes 10 }\n counter b { packets 2 bytes 20 }\n quota q { 5 bytes }\n quota r { 6 bytes }\n}\n';
    await withNft(text, { maxSeries: 0 }, async ({ scrape }) => {
      const s = await scrape();
      const others = { source: 'nftables' };
      assert.deepEqual(s.all('nflink_counter_packets_total', others), { true: 3 });
      assert.deepEqual(s.all('nflink_counter_bytes_total', others), { true: 30 });
      assert.deepEqual(s.all('nflink_quota_limit_bytes', others), { true: 11 });
      assert.deepEqual(s.all('nflink_series_left_out', others), { rules: 0, chains: 0, counters: 2, quotas: 2 });
    });
  });
});

for (const backend of backends) {
  describe(`a scrape of Iptables on ${backend}`, () => {
    const source = `iptables-${backend}`;
    const place = { source, family: 'ip', table: 'filter', chain: 'OUTPUT' };
    const programs = new Programs(backend, 'ip');

    async function withRules(fn: (setting: Setting & { readonly ipt: Iptables }) => Promise<void>): Promise<void> {
      await withNamespace(async (ns) => {
        ns.up();
        const rule = `-A OUTPUT -p udp -m udp --dport ${PORT}`;
        await programs.restore(ns, `*filter\n:OUTPUT ACCEPT [0:0]\n${rule} -m comment --comment "one, two"\n${rule}\nCOMMIT\n`);
        await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
        await withCollector(ns, [ipt], {}, (setting) => fn({ ...setting, ipt }));
      });
    }
    /** The label of the rule without a comment. */
    async function unnamed(ipt: Iptables): Promise<string> {
      const rule = [...(await ipt.snapshot()).rules({ chain: 'OUTPUT' })].at(-1);
      return backend === 'legacy' ? `number ${(rule?.index ?? 0) + 1}` : `handle ${rule?.handle}`;
    }

    it('has rules and policies as the real save shows them', async () => {
      await withRules(async ({ ns, scrape, failures, ipt }) => {
        await send(ns, 6);
        const s = await scrape();
        assert.deepEqual(failures, []);
        assert.deepEqual(s.all('nflink_rule_packets_total', place), { 'one, two': 6, [await unnamed(ipt)]: 6 });
        assert.deepEqual(s.all('nflink_rule_bytes_total', place), { 'one, two': 6 * BYTES, [await unnamed(ipt)]: 6 * BYTES });
        const saved = await programs.save(ns, '-t', 'filter', '-c');
        assert.match(saved, new RegExp(`^\\[6:${6 * BYTES}\\] -A OUTPUT `, 'm'));
        const policy = s.value('nflink_chain_policy_packets_total', place);
        // The text above sets the policy's counters: the chain counts on nf_tables too.
        assert.ok(policy !== undefined && policy >= 6, String(policy));
        assert.equal(policy, Number(/^:OUTPUT ACCEPT \[(\d+):/m.exec(saved)?.[1]));
      });
    });

    it('is right through a rule before the others, a reset and a deletion', async () => {
      await withRules(async ({ ns, scrape, ipt }) => {
        const packets = async () => (await scrape()).all('nflink_rule_packets_total', place);
        await send(ns, 5);
        const before = await unnamed(ipt);
        assert.deepEqual(await packets(), { 'one, two': 5, [before]: 5 });
        await programs.must(ns, '-I', 'OUTPUT', '-p', 'sctp');
        await send(ns, 1);
        const first = backend === 'legacy' ? 'number 1' : `handle ${[...(await ipt.snapshot()).rules({ chain: 'OUTPUT' })][0]?.handle}`;
        // On legacy the second has become the third.
        assert.deepEqual(await packets(), { [first]: 0, 'one, two': 6, [await unnamed(ipt)]: 6 });
        await programs.must(ns, '-Z', 'OUTPUT');
        await send(ns, 2);
        assert.deepEqual(await packets(), { [first]: 0, 'one, two': 2, [await unnamed(ipt)]: 2 });
        await programs.must(ns, '-D', 'OUTPUT', '2');
        assert.deepEqual(Object.keys(await packets()).length, 2);
        assert.equal((await packets())['one, two'], undefined);
      });
    });
  });
}

describe('rules made anew with their counters (iptables-restore -c)', () => {
  for (const backend of backends)
    it(`have counted no more in the series of the rest, on ${backend}`, async () => {
      await withNamespace(async (ns) => {
        ns.up();
        const programs = new Programs(backend, 'ip');
        const rule = (comment: string): string => `-A OUTPUT -p udp -m comment --comment ${comment}`;
        await programs.restore(ns, `*filter\n${rule('a')}\n${rule('b')}\nCOMMIT\n`);
        await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
        await withCollector(ns, [ipt], { maxSeries: 0 }, async ({ scrape, failures }) => {
          const rest = async () => (await scrape()).value('nflink_rule_packets_total', { others: 'true' });
          await send(ns, 5);
          assert.equal(await rest(), 10);
          // All rules are others to the kernel: on nf_tables with other handles.
          await programs.restore(ns, await programs.save(ns, '-c'), '-c');
          await send(ns, 1);
          assert.equal(await rest(), 12);
          // Without -c they begin from zero.
          await programs.restore(ns, await programs.save(ns));
          await send(ns, 1);
          assert.equal(await rest(), 2);
          assert.deepEqual(failures, []);
        });
      });
    });
});

describe('legacy rules without comments', () => {
  it('keep each number’s increase right when a rule comes before them', async () => {
    await withNamespace(async (ns) => {
      ns.up();
      const programs = new Programs('legacy', 'ip');
      const rule = (port: number): string => `-A OUTPUT -p udp -m udp --dport ${port}`;
      await programs.restore(ns, `*filter\n${rule(PORT)}\n${rule(PORT + 1)}\nCOMMIT\n`);
      await using ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: ns.path });
      await withCollector(ns, [ipt], {}, async ({ scrape }) => {
        const place = { source: 'iptables-legacy', family: 'ip', table: 'filter', chain: 'OUTPUT' };
        const packets = async () => (await scrape()).all('nflink_rule_packets_total', place);
        await send(ns, 50);
        await send(ns, 3, PORT + 1);
        assert.deepEqual(await packets(), { 'number 1': 50, 'number 2': 3 });
        await programs.must(ns, '-I', 'OUTPUT', '-p', 'sctp');
        await send(ns, 1);
        // Number 2 is now the rule of the 50, which has counted one more: its own 51 would be an increase of 48.
        assert.deepEqual(await packets(), { 'number 1': 0, 'number 2': 4, 'number 3': 3 });
      });
    });
  });
});

describe('an OpenMetrics registry', () => {
  it('has the same series', async () => {
    await withNft(outputUdp, {}, async ({ ns, nft }) => {
      await send(ns, 2);
      const registry = new client.Registry<client.OpenMetricsContentType>();
      registry.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE);
      const collector = new NetfilterCollector(client, { sources: [nft], registers: [registry] });
      for (let scrape = 0; scrape < 2; scrape++) {
        const text = await registry.metrics();
        assert.match(text, /^# TYPE nflink_rule_packets counter$/m);
        assert.match(text, /^nflink_rule_packets_total\{source="nftables",family="inet",table="t",chain="out",rule="one"\} 2$/m);
        assert.match(text, /^# EOF$/m);
      }
      collector.unregister();
      assert.equal(registry.getMetricsAsArray().length, 0);
    });
  });
});

describe('a poll that fails', () => {
  it('leaves the rest of the scrape whole, is counted and told', async () => {
    const missing = { family: 'inet', table: 't', name: 'missing' } as const;
    await withNamespace(async (ns) => {
      ns.up();
      await ns.must('nft', ['-f', '-'], { input: `${outputUdp}\nadd set inet t s { type ipv4_addr; }\n` });
      await new Programs('legacy', 'ip').restore(ns, `*filter\n-A OUTPUT -p udp -m comment --comment one\nCOMMIT\n`);
      await using nft = await Nftables.open({ netns: ns.path });
      const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: ns.path });
      await withCollector(ns, [nft, ipt], { sets: [missing, { ...missing, name: 's' }] }, async ({ scrape, failures }) => {
        await send(ns, 3);
        const first = await scrape();
        const one = (source: string) => ({ source, rule: 'one' });
        assert.equal(first.value('nflink_rule_packets_total', one('nftables')), 3);
        assert.equal(first.value('nflink_rule_packets_total', one('iptables-legacy')), 3);
        // The one set that is there has its size.
        assert.deepEqual(first.all('nflink_set_elements', { source: 'nftables', family: 'inet', table: 't' }), { s: 0 });
        assert.deepEqual(
          failures.map(({ source, of, error }) => [source, of, error instanceof NetfilterError && error.code, error.message]),
          [['nftables', 'sets', 'ENOENT', 'set sizes: no set inet t missing']],
        );
        await ipt.close();
        const second = await scrape();
        assert.equal(second.value('nflink_rule_packets_total', one('nftables')), 3);
        assert.deepEqual(second.all('nflink_rule_packets_total', { source: 'iptables-legacy' }), {});
        assert.deepEqual(second.all('nflink_chain_policy_packets_total', { source: 'iptables-legacy' }), {});
        assert.deepEqual(second.all('nflink_poll_errors_total'), {
          'nftables rules': 0,
          'nftables chains': 0,
          'nftables counters': 0,
          'nftables quotas': 0,
          'nftables sets': 2,
          'iptables-legacy rules': 1,
          'iptables-legacy chains': 1,
        });
        assert.deepEqual(
          failures.slice(2).map(({ source, of, error }) => [source, of, error instanceof NetfilterError && error.code]),
          [
            ['iptables-legacy', 'rules', 'ERR_CLOSED'],
            ['iptables-legacy', 'chains', 'ERR_CLOSED'],
          ],
        );
      });
    });
  });
});

describe('legacy counters that go back while somebody holds the lock', () => {
  it('are not believed at once: it may be a commit between its rules and their counters', async () => {
    await withNamespace(async (ns) => {
      ns.up();
      const programs = new Programs('legacy', 'ip');
      await programs.restore(ns, `*filter\n-A OUTPUT -p udp -m comment --comment one\nCOMMIT\n`);
      await using ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: ns.path });
      await withCollector(ns, [ipt], {}, async ({ scrape, failures }) => {
        const one = async () => (await scrape()).value('nflink_rule_packets_total', { rule: 'one' });
        await send(ns, 4);
        assert.equal(await one(), 4);
        await using _held = await LockHolder.take(lockFile);
        // Counts go on under a lock that is held.
        await send(ns, 1);
        assert.equal(await one(), 5);
        // As a commit does it for a moment: to zero, with a lock of its own that nobody else sees, and back.
        const zero = () => ns.must('iptables-legacy', ['-Z', 'OUTPUT'], { env: { XTABLES_LOCKFILE: `${lockFile}.other` } });
        await zero();
        assert.deepEqual([await one(), await one()], [5, 5]);
        await send(ns, 6);
        assert.equal(await one(), 6);
        await zero();
        // Back for good: believed at the third.
        assert.deepEqual([await one(), await one(), await one()], [6, 6, 0]);
        assert.deepEqual(failures, []);
      });
    });
  });
});

describe('NetfilterCollector', () => {
  it('refuses what would give series twice or none', async () => {
    await withNamespace(async (ns) => {
      await using nft = await Nftables.open({ netns: ns.path });
      await using ipt = await Iptables.open({ family: 'ip6', backend: 'nft', netns: ns.path });
      const registers = [new client.Registry()];
      const refused = (o: Omit<CollectorOptions, 'registers'>, why: RegExp): void =>
        assert.throws(
          () => new NetfilterCollector(client, { ...o, registers }),
          (err) => err instanceof NetfilterError && err.code === 'ERR_INVALID_ARG' && why.test(err.message),
        );
      refused({ sources: [nft, nft] }, /two sources nftables/);
      refused({ sources: [ipt, ipt] }, /two sources ip6tables-nft/);
      refused({ sources: [] }, /no sources/);
      refused({ sources: [ipt], sets: [{ family: 'inet', table: 't', name: 's' }] }, /sets need an Nftables/);
      refused({ sources: [nft], rules: { names: ['source'], labels: () => undefined } }, /source is the collector’s own label/);
      refused({ sources: [nft], maxSeries: -1 }, /maxSeries -1/);
      assert.deepEqual(registers[0]?.getMetricsAsArray(), []);
    });
  });

  it('leaves nothing behind in any registry where one has a metric of that name already', async () => {
    await withNamespace(async (ns) => {
      await using nft = await Nftables.open({ netns: ns.path });
      const make = (...registers: client.Registry[]): NetfilterCollector => new NetfilterCollector(client, { sources: [nft], registers });
      const names = (registry: client.Registry): string[] => registry.getMetricsAsArray().map(({ name }) => name);
      const [free, whole, half] = [new client.Registry(), new client.Registry(), new client.Registry()];
      const first = make(whole);
      const theirs = new client.Gauge({ name: 'nflink_quota_limit_bytes', help: 'another', registers: [half] });
      const all = names(whole);
      const already = /has already been registered/;
      assert.throws(() => make(free, whole), already);
      assert.throws(() => make(whole, free), already);
      assert.throws(() => make(free, half), already);
      assert.throws(() => make(half, free), already);
      assert.throws(
        () => new NetfilterCollector(client, { sources: [nft], registers: [free], rules: { names: ['no-label'], labels: () => ({}) } }),
      );
      assert.deepEqual([names(free), names(whole), names(half)], [[], all, ['nflink_quota_limit_bytes']]);
      assert.equal(half.getSingleMetric('nflink_quota_limit_bytes'), theirs);
      const second = make(free);
      assert.deepEqual(names(free), all);

      // Nor does it take away what another has registered since.
      first.unregister();
      assert.deepEqual(names(whole), []);
      const third = make(whole);
      first.unregister();
      assert.deepEqual(names(whole), all);
      for (const collector of [second, third]) collector.unregister();
      assert.deepEqual([names(free), names(whole)], [[], []]);
    });
  });
});
