// What a sync may touch and what it must not, what it refuses, and what is left where the kernel refuses it.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Iptables, NetfilterError, RuleSyntaxError, type Scope } from '../../lib/index.ts';
import { type Backend, backends, Programs } from '../support/iptables-programs.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { rawRuleset } from '../support/raw-dump.ts';
import { comparable, readSaved } from '../support/save-models.ts';

const lines = (...text: readonly string[]): string => text.map((line) => `${line}\n`).join('');
const table = (name: string, ...text: readonly string[]): string => lines(`*${name}`, ...text, 'COMMIT');

/** A host with chains of ours and of others, and rules that have counted. */
const HOST = `${table(
  'filter',
  ':INPUT ACCEPT [1:2]',
  ':FORWARD DROP [3:4]',
  ':OUTPUT ACCEPT [5:6]',
  ':KUBE-A - [0:0]',
  ':KUBE-B - [0:0]',
  ':DOCKER - [0:0]',
  ':TWICE - [0:0]',
  '[1:10] -A INPUT -j KUBE-A',
  '[2:20] -A INPUT -p tcp -j ACCEPT',
  '[3:30] -A FORWARD -j DOCKER',
  '[4:40] -A KUBE-A -j KUBE-B',
  '[5:50] -A KUBE-A -p udp -j ACCEPT',
  '[6:60] -A KUBE-B -s 10.0.0.0/8 -j DROP',
  '[7:70] -A DOCKER -j RETURN',
  '[10:100] -A TWICE -p tcp',
  '[11:110] -A TWICE -p udp',
  '[12:120] -A TWICE -p tcp',
)}${table(
  'nat',
  ':PREROUTING ACCEPT [0:0]',
  ':INPUT ACCEPT [0:0]',
  ':OUTPUT ACCEPT [0:0]',
  ':POSTROUTING ACCEPT [0:0]',
  ':KUBE-N - [0:0]',
  '[8:80] -A OUTPUT -j KUBE-N',
  '[9:90] -A KUBE-N -p tcp -j ACCEPT',
)}`;

type Comparable = ReturnType<typeof comparable>;
/** What the real save prints, with counters. */
async function stateOf(ns: TestNamespace, backend: Backend): Promise<Comparable> {
  const saved = readSaved(await new Programs(backend, 'ip').save(ns, '-c'));
  for (const chains of saved.values())
    for (const chain of chains.values()) for (const [i, line] of chain.lines.entries()) chain.lines[i] = `${chain.counters[i]} ${line}`;
  return comparable(saved);
}

interface Case {
  readonly name: string;
  readonly text: string;
  readonly scope?: Scope;
  /** Chains as they are afterwards: `table chain` → policy and lines; undefined: it is gone. What is not named is as it was. */
  readonly becomes: Readonly<Record<string, readonly string[] | undefined>>;
}

const JUMP = '-m comment --comment ours -j DOCKER';
const MINE = '-p udp -m comment --comment mine -j ACCEPT';

const cases: readonly Case[] = [
  {
    name: 'without a scope: the user chains of the text, and no policy',
    text: table('filter', ':INPUT DROP [0:0]', ':KUBE-A - [0:0]', ':NEW - [0:0]', '-A KUBE-A -p udp -j ACCEPT', '-A NEW -j KUBE-A'),
    becomes: { 'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT'], 'filter NEW': ['-', '[0:0] -A NEW -j KUBE-A'] },
  },
  {
    name: 'a chain that the text declares and deletes goes, and one that was not there does not come',
    text: table('filter', ':KUBE-A - [0:0]', ':KUBE-B - [0:0]', ':NEVER - [0:0]', '-A KUBE-A -p udp -j ACCEPT', '-X KUBE-B', '-X NEVER'),
    becomes: { 'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT'], 'filter KUBE-B': undefined },
  },
  {
    name: 'a text that is empty',
    text: '',
    becomes: {},
  },
  {
    name: 'tables: whole, but policies that the text does not say',
    text: table('filter', ':INPUT DROP [0:0]', '-A INPUT -p tcp -j ACCEPT'),
    scope: { tables: ['filter'] },
    becomes: {
      'filter INPUT': ['DROP', '[2:20] -A INPUT -p tcp -j ACCEPT'],
      'filter FORWARD': ['DROP'],
      'filter KUBE-A': undefined,
      'filter KUBE-B': undefined,
      'filter DOCKER': undefined,
      'filter TWICE': undefined,
    },
  },
  {
    name: 'a table that the text does not have is emptied',
    text: '',
    scope: { tables: ['nat', 'raw'] },
    becomes: { 'nat OUTPUT': undefined, 'nat KUBE-N': undefined },
  },
  {
    name: 'chains by a pattern, and what the text does not name of them goes',
    text: table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p udp -j ACCEPT', '-A KUBE-A -p tcp -j ACCEPT'),
    scope: { chains: /^KUBE-/ },
    becomes: {
      'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT', '[0:0] -A KUBE-A -p tcp -j ACCEPT'],
      'filter KUBE-B': undefined,
    },
  },
  {
    name: 'a pattern that remembers where it stopped is asked anew for each chain',
    text: table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p udp -j ACCEPT'),
    scope: { chains: /KUBE-/gy },
    becomes: { 'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT'], 'filter KUBE-B': undefined },
  },
  {
    name: 'chains by name, a builtin one among them, with its policy',
    text: table('filter', ':FORWARD ACCEPT [0:0]', ':KUBE-B - [0:0]', '-A FORWARD -j DOCKER', '-A FORWARD -j ACCEPT'),
    scope: { chains: ['FORWARD', 'KUBE-B'] },
    becomes: { 'filter FORWARD': ['ACCEPT', '[3:30] -A FORWARD -j DOCKER', '[0:0] -A FORWARD -j ACCEPT'], 'filter KUBE-B': ['-'] },
  },
  {
    name: 'chains in tables',
    text: table('filter', ':KUBE-A - [0:0]', ':KUBE-B - [0:0]', '-A KUBE-A -p udp -j ACCEPT'),
    scope: { tables: ['filter', 'nat'], chains: ['KUBE-A', 'KUBE-B', 'DOCKER-USER'] },
    becomes: { 'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT'], 'filter KUBE-B': ['-'] },
  },
  {
    name: 'a jump that comes first, in a chain of others',
    text: '',
    scope: { jumps: [{ table: 'filter', chain: 'INPUT', rule: JUMP, at: 'first' }] },
    becomes: { 'filter INPUT': ['ACCEPT', `[0:0] -A INPUT ${JUMP}`, '[1:10] -A INPUT -j KUBE-A', '[2:20] -A INPUT -p tcp -j ACCEPT'] },
  },
  {
    name: 'a jump that is there at another place is moved, and what is there in its place stays',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'INPUT', rule: '-p tcp -j ACCEPT', at: 'first' },
        { table: 'filter', chain: 'FORWARD', rule: '-j DOCKER', at: 'last' },
      ],
    },
    becomes: { 'filter INPUT': ['ACCEPT', '[0:0] -A INPUT -p tcp -j ACCEPT', '[1:10] -A INPUT -j KUBE-A'] },
  },
  {
    name: 'several jumps first and last, in the order given, some of them there',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'INPUT', rule: JUMP, at: 'first' },
        { table: 'filter', chain: 'INPUT', rule: '-j KUBE-A', at: 'first' },
        { table: 'filter', chain: 'INPUT', rule: MINE, at: 'last' },
        { table: 'filter', chain: 'INPUT', rule: JUMP, at: 'last' },
      ],
    },
    becomes: {
      'filter INPUT': [
        'ACCEPT',
        `[0:0] -A INPUT ${JUMP}`,
        '[1:10] -A INPUT -j KUBE-A',
        '[2:20] -A INPUT -p tcp -j ACCEPT',
        `[0:0] -A INPUT ${MINE}`,
        `[0:0] -A INPUT ${JUMP}`,
      ],
    },
  },
  {
    name: 'a jump in a user chain of others, to a chain of ours that comes with it',
    text: table('filter', ':NEW - [0:0]', '-A NEW -p tcp'),
    scope: { jumps: [{ table: 'filter', chain: 'DOCKER', rule: '-j NEW', at: 'first' }] },
    becomes: { 'filter DOCKER': ['-', '[0:0] -A DOCKER -j NEW', '[7:70] -A DOCKER -j RETURN'], 'filter NEW': ['-', '[0:0] -A NEW -p tcp'] },
  },
  {
    name: 'a jump in chains that are not there makes them, builtin ones and others',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'DOCKER-USER', rule: '-j DOCKER', at: 'first' },
        { table: 'mangle', chain: 'FORWARD', rule: '-p tcp -j ACCEPT', at: 'last' },
      ],
    },
    becomes: {
      'filter DOCKER-USER': ['-', '[0:0] -A DOCKER-USER -j DOCKER'],
      'mangle FORWARD': ['ACCEPT', '[0:0] -A FORWARD -p tcp -j ACCEPT'],
    },
  },
  {
    name: 'of two rules that are alike the one nearest to its place is ours, the other stays',
    text: '',
    scope: { jumps: [{ table: 'filter', chain: 'TWICE', rule: '-p tcp', at: 'last' }] },
    becomes: {},
  },
  {
    name: 'the same at the beginning, and another jump behind it',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'TWICE', rule: '-p tcp', at: 'first' },
        { table: 'filter', chain: 'TWICE', rule: '-p udp', at: 'first' },
      ],
    },
    becomes: {},
  },
  {
    name: 'the same at the end, behind another',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'TWICE', rule: '-p udp', at: 'last' },
        { table: 'filter', chain: 'TWICE', rule: '-p tcp', at: 'last' },
      ],
    },
    becomes: {},
  },
  {
    name: 'the only rule of a chain, as first and as last jump',
    text: '',
    scope: {
      jumps: [
        { table: 'filter', chain: 'DOCKER', rule: '-j RETURN', at: 'last' },
        { table: 'filter', chain: 'DOCKER', rule: MINE, at: 'first' },
      ],
    },
    becomes: { 'filter DOCKER': ['-', `[0:0] -A DOCKER ${MINE}`, '[7:70] -A DOCKER -j RETURN'] },
  },
];

function expectedState(before: Comparable, becomes: Case['becomes']): Comparable {
  const out = structuredClone(before) as Record<string, Record<string, readonly string[]>>;
  for (const [key, chain] of Object.entries(becomes)) {
    const [table, name] = key.split(' ') as [string, string];
    out[table] ??= {};
    if (chain === undefined) delete out[table][name];
    else out[table][name] = chain;
    if (Object.keys(out[table]).length === 0) delete out[table];
  }
  return out;
}

async function withHost(backend: Backend, fn: (ns: TestNamespace, ipt: Iptables) => Promise<void>): Promise<void> {
  await withNamespace(async (ns) => {
    await new Programs(backend, 'ip').restore(ns, HOST, '-c');
    await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
    await fn(ns, ipt);
  });
}

for (const backend of backends)
  describe(`the scope of a sync on ${backend}`, () => {
    for (const { name, text, scope = {}, becomes } of cases)
      it(name, async () => {
        await withHost(backend, async (ns, ipt) => {
          const before = await stateOf(ns, backend);
          const plan = await ipt.plan(text, scope);
          assert.deepEqual(await stateOf(ns, backend), before, 'a plan changes nothing');
          const report = await ipt.sync(text, scope);
          assert.deepEqual(await stateOf(ns, backend), expectedState(before, becomes), String(plan));
          assert.equal(plan.empty, Object.keys(becomes).length === 0);
          const { added, removed, moved, kept } = plan;
          assert.deepEqual(
            { added, removed, moved, kept },
            { added: report.added, removed: report.removed, moved: report.moved, kept: report.kept },
          );
          const again = await ipt.plan(text, scope);
          assert.ok(again.empty, String(again));
        });
      });

    it('jumps that are there are kept and counted', async () => {
      await withHost(backend, async (_, ipt) => {
        const jumps = [
          { table: 'filter', chain: 'INPUT', rule: '-p tcp -j ACCEPT', at: 'last' },
          { table: 'filter', chain: 'FORWARD', rule: '-j DOCKER', at: 'first' },
          { table: 'filter', chain: 'OUTPUT', rule: '-j DOCKER', at: 'first' },
        ] as const;
        const { added, removed, moved, kept } = await ipt.plan('', { jumps });
        assert.deepEqual({ added, removed, moved, kept }, { added: 1, removed: 0, moved: 0, kept: 2 });
      });
    });
  });

interface Refused {
  readonly name: string;
  readonly text?: string;
  readonly scope?: unknown;
  readonly says: RegExp;
}
const refused: readonly Refused[] = [
  {
    name: 'a rule of a builtin chain without a scope',
    text: table('filter', '-A INPUT -j ACCEPT'),
    says: /^line 2: chain INPUT of table filter is outside the scope: .*scope\.jumps/,
  },
  {
    name: 'a chain that the pattern leaves out',
    text: table('filter', ':X - [0:0]'),
    scope: { chains: /^KUBE-/ },
    says: /chain X of table filter is outside/,
  },
  {
    name: 'a rule of a chain that the list leaves out',
    text: table('filter', ':X - [0:0]', '-A X -p tcp'),
    scope: { chains: ['Y'] },
    says: /^line 3: chain X/,
  },
  {
    name: 'a table that is not among the tables',
    text: table('nat', ':X - [0:0]'),
    scope: { tables: ['filter'] },
    says: /chain X of table nat is outside/,
  },
  {
    name: 'a jump in a chain of the scope',
    text: table('filter', ':X - [0:0]'),
    scope: { jumps: [{ table: 'filter', chain: 'X', rule: '-j DOCKER', at: 'first' }] },
    says: /chain X of table filter is in the scope/,
  },
  {
    name: 'a jump in a chain that the text deletes',
    text: table('filter', ':X - [0:0]', '-X X'),
    scope: { jumps: [{ table: 'filter', chain: 'X', rule: '-j DOCKER', at: 'first' }] },
    says: /chain X of table filter is in the scope/,
  },
  {
    name: 'a jump in a table of the scope',
    scope: { tables: ['filter'], jumps: [{ table: 'filter', chain: 'INPUT', rule: '-j DOCKER', at: 'first' }] },
    says: /chain INPUT of table filter is in the scope/,
  },
  {
    name: 'a jump nowhere in a chain',
    scope: { jumps: [{ table: 'filter', chain: 'INPUT', rule: '-j DOCKER', at: 'middle' }] },
    says: /'first' or 'last'/,
  },
  {
    name: 'a jump that is several rules',
    scope: { jumps: [{ table: 'filter', chain: 'INPUT', rule: '-s 10.0.0.1,10.0.0.2 -j DOCKER', at: 'first' }] },
    says: /./,
  },
  {
    name: 'a jump with a mistake',
    scope: { jumps: [{ table: 'filter', chain: 'INPUT', rule: '-j DOCKER --nonsense', at: 'first' }] },
    says: /nonsense/,
  },
  {
    name: 'a jump in no table',
    scope: { jumps: [{ table: 'nonsense', chain: 'INPUT', rule: '-j DOCKER', at: 'first' }] },
    says: /nonsense/,
  },
  { name: 'tables that are no list', scope: { tables: 'filter' }, says: /scope\.tables is a list/ },
  { name: 'an unknown table', scope: { tables: ['nonsense'] }, says: /nonsense/ },
  { name: 'chains that are neither pattern nor list', scope: { chains: 'X' }, says: /scope\.chains is a pattern or a list/ },
  { name: 'jumps that are no list', scope: { jumps: {} }, says: /scope\.jumps is a list/ },
  { name: 'no object for a scope', scope: 'filter', says: /a scope is an object/ },
  { name: 'a text that is none', text: 'nonsense', says: /table/ },
  { name: 'an unknown table in the text', text: table('nonsense'), says: /unknown table "nonsense"/ },
  { name: 'a table without its end', text: lines('*filter', ':X - [0:0]'), says: /./ },
  { name: 'a rule with a mistake', text: table('filter', ':X - [0:0]', '-A X --nonsense'), says: /nonsense/ },
  ...['-D X -p tcp', '-D X 1', '-C X -p tcp', '-R X 1 -p tcp', '-E X Y', '-Z X', '-X'].map((line) => ({
    name: `${line} in a text`,
    text: table('filter', ':X - [0:0]', '-A X -p tcp', line),
    says: /has no place in a desired state/,
  })),
  {
    name: 'a rule inserted where none is before it',
    text: table('filter', ':X - [0:0]', '-I X 3 -p tcp'),
    says: /the text has no rule 2 before it/,
  },
  {
    name: 'a builtin chain deleted',
    text: table('filter', '-X INPUT'),
    scope: { tables: ['filter'] },
    says: /builtin chains are not deleted/,
  },
];

describe('what is no desired state, or lies outside the scope, is refused and nothing is sent', () => {
  let ns: TestNamespace;
  let ipt: Iptables;
  before(async () => {
    ns = await TestNamespace.create();
    await new Programs('nft', 'ip').restore(ns, HOST, '-c');
    ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: ns.path });
  });
  after(async () => {
    await ipt.close();
    await ns.close();
  });

  for (const { name, text = '', scope = {}, says } of refused)
    it(name, async () => {
      const before = rawRuleset(ns.path, { counters: true });
      for (const call of [
        async () => await ipt.sync(text, scope as Scope),
        async () => await ipt.plan(text, scope as Scope),
        async () => ipt.syncSync(text, scope as Scope),
        async () => ipt.planSync(text, scope as Scope),
      ])
        await assert.rejects(call, (err) => {
          assert.ok(err instanceof RuleSyntaxError || (err instanceof NetfilterError && err.code === 'ERR_INVALID_ARG'), String(err));
          assert.match(err.message, says);
          return true;
        });
      assert.deepEqual(rawRuleset(ns.path, { counters: true }), before);
    });
});

interface Failing {
  readonly name: string;
  readonly text: string;
  readonly scope?: Scope;
  /** What the error says, on every backend or on each. */
  readonly says: RegExp | Readonly<Record<Backend, RegExp>>;
  readonly line?: number;
}
const failing: readonly Failing[] = [
  {
    name: 'a jump to a chain that is not there',
    text: table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p tcp', '-A KUBE-A -j NOWHERE'),
    says: /^line 4: .*no chain "NOWHERE"/,
    line: 4,
  },
  {
    name: 'an extension whose set is not there',
    text: table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -m set --match-set nowhere src -j ACCEPT'),
    says: /nowhere/,
    line: 3,
  },
  {
    name: 'a target that the table does not have',
    text: table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p tcp -j TCPMSS --set-mss 100', '-A KUBE-A -j SNAT --to-source 10.0.0.1'),
    says: { nft: /^line \d: /, legacy: /table filter/ },
  },
  {
    name: 'DROP in nat',
    text: table('nat', ':KUBE-N - [0:0]', '-A KUBE-N -j DROP'),
    says: /^line 3: .*not intended for filtering/,
    line: 3,
  },
  {
    name: 'a chain to be deleted that a chain outside jumps to',
    text: table('filter', ':DOCKER - [0:0]', '-X DOCKER'),
    says: /DOCKER/,
  },
  {
    name: 'chains that jump in a circle',
    text: table('filter', ':KUBE-A - [0:0]', ':KUBE-B - [0:0]', '-A KUBE-A -j KUBE-B', '-A KUBE-B -j KUBE-A'),
    says: { nft: /^line \d: /, legacy: /loop|ELOOP/ },
  },
  {
    name: 'a jump that a builtin chain of another table would be needed for',
    text: '',
    scope: { jumps: [{ table: 'raw', chain: 'OUTPUT', rule: '-j NOWHERE', at: 'last' }] },
    says: /NOWHERE/,
  },
];

for (const backend of backends)
  describe(`what the kernel refuses changes nothing, and the next sync works: ${backend}`, () => {
    for (const { name, text, scope = {}, says, line } of failing)
      it(name, async () => {
        await withHost(backend, async (ns, ipt) => {
          const before = await stateOf(ns, backend);
          for (const call of [async () => await ipt.sync(text, scope), async () => ipt.syncSync(text, scope)])
            await assert.rejects(call, (err) => {
              assert.ok(err instanceof NetfilterError, String(err));
              assert.equal(err.outcome, 'not-applied');
              assert.match(err.message, says instanceof RegExp ? says : says[backend]);
              if (line !== undefined) assert.match(JSON.stringify(err.operation?.object), new RegExp(`"line":${line}\\b`));
              return true;
            });
          assert.deepEqual(await stateOf(ns, backend), before);
          const good = table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p udp -j ACCEPT', '-A KUBE-A -p icmp');
          const { added, removed, kept } = await ipt.sync(good);
          assert.deepEqual({ added, removed, kept }, { added: 1, removed: 1, kept: 1 });
          assert.ok((await ipt.plan(good)).empty);
        });
      });

    it('a table after the first one: what was written before is named', async () => {
      await withHost(backend, async (ns, ipt) => {
        const before = await stateOf(ns, backend);
        const text =
          table('filter', ':KUBE-A - [0:0]', '-A KUBE-A -p udp -j ACCEPT') + table('nat', ':KUBE-N - [0:0]', '-A KUBE-N -j NOWHERE');
        await assert.rejects(ipt.sync(text), (err) => {
          assert.ok(err instanceof NetfilterError);
          assert.equal(err.outcome, backend === 'nft' ? 'not-applied' : 'partly-applied');
          assert.deepEqual(err.tables ?? [], backend === 'nft' ? [] : ['filter']);
          assert.match(err.message, backend === 'nft' ? /nothing was applied/ : /written before: filter/);
          return true;
        });
        const becomes = { 'filter KUBE-A': ['-', '[5:50] -A KUBE-A -p udp -j ACCEPT'] };
        assert.deepEqual(await stateOf(ns, backend), expectedState(before, backend === 'nft' ? {} : becomes));
      });
    });
  });

describe('rules and chains of others in nf_tables', () => {
  const NFT = lines(
    'table ip filter {',
    '  set blocked { type ipv4_addr; elements = { 10.9.9.9 } }',
    '  chain INPUT { type filter hook input priority filter; policy accept;',
    '    ip saddr @blocked counter drop comment "nft"',
    '    counter jump KUBE-A',
    '    ct state vmap { established : accept, invalid : drop }',
    '  }',
    '  chain KUBE-A { ip protocol tcp counter accept; }',
    '  chain nft_base { type filter hook forward priority 5; policy accept; counter jump nft_user; }',
    '  chain nft_user { ip saddr @blocked drop; }',
    '}',
    'table ip other { chain x { counter accept; }; }',
  );

  async function withNft(fn: (ns: TestNamespace, ipt: Iptables, listing: () => Promise<string[]>) => Promise<void>): Promise<void> {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['-f', '-'], { input: NFT });
      await using ipt = await Iptables.open({ family: 'ip', backend: 'nft', netns: ns.path });
      const listing = async (): Promise<string[]> =>
        (await ns.must('nft', ['-a', 'list', 'ruleset'])).split('\n').map((line) => line.trim());
      await fn(ns, ipt, listing);
    });
  }

  it('stay around jumps, with their handles', async () => {
    await withNft(async (_, ipt, listing) => {
      const before = await listing();
      const jump = (rule: string, at: 'first' | 'last') => ({ table: 'filter', chain: 'INPUT', rule, at }) as const;
      const scope = { jumps: [jump('-j KUBE-A', 'first'), jump('-p udp -j ACCEPT', 'last')] };
      const plan = await ipt.plan('', scope);
      assert.deepEqual([plan.added, plan.moved, plan.removed, plan.kept], [1, 1, 0, 0]);
      await ipt.sync('', scope);
      const after = await listing();
      const moved = before.findIndex((line) => line.includes('jump KUBE-A'));
      const kept = before.filter((_, i) => i !== moved);
      let from = -1;
      for (const line of kept) {
        const at = after.indexOf(line, from + 1);
        assert.ok(at > from, `gone: ${line}`);
        from = at;
      }
      assert.equal(after.length, before.length + 1);
      assert.ok((await ipt.plan('', scope)).empty);
      // Those of others between ours, and new ones of theirs.
      await ipt.sync('', { jumps: [jump('-j KUBE-A', 'first')] });
      assert.deepEqual(await listing(), after);
    });
  });

  it('chains that nft hooked are not in the scope, and a chain that only one of them jumps to keeps its place', async () => {
    await withNft(async (_, ipt, listing) => {
      const before = await listing();
      // iptables sees nft_user as any other user chain.
      await assert.rejects(ipt.sync(table('filter'), { tables: ['filter'] }), { code: 'EBUSY', outcome: 'not-applied' });
      assert.deepEqual(await listing(), before);
      const text = table('filter', ':INPUT ACCEPT [0:0]', ':nft_user - [0:0]', '-A nft_user -p tcp', '-A INPUT -p udp');
      const plan = await ipt.plan(text, { tables: ['filter'] });
      assert.match(String(plan), /^-\[unsupported\]$|-A INPUT \[unsupported\]/m);
      await ipt.sync(text, { tables: ['filter'] });
      const after = await listing();
      const base = (list: readonly string[]): string[] => {
        const start = list.findIndex((line) => line.startsWith('chain nft_base'));
        return list.slice(start, list.indexOf('}', start));
      };
      assert.deepEqual(base(after), base(before));
      assert.ok(after.some((line) => line.startsWith('set blocked')));
      assert.deepEqual(
        after.slice(after.findIndex((line) => line.startsWith('table ip other'))),
        before.slice(before.findIndex((line) => line.startsWith('table ip other'))),
      );
      assert.ok((await ipt.plan(text, { tables: ['filter'] })).empty);
    });
  });

  it('a chain of a builtin name that is none, or a hooked one of a name of ours, is refused', async () => {
    await withNft(async (ns, ipt, listing) => {
      await ns.must('nft', ['add chain ip filter FORWARD { type filter hook forward priority 7; }']);
      const before = await listing();
      for (const [name, chain] of [
        ['FORWARD', table('filter', '-A FORWARD -p tcp')],
        ['nft_base', table('filter', ':nft_base - [0:0]', '-A nft_base -p tcp')],
      ] as const) {
        const scope: Scope = { chains: [name] };
        await assert.rejects(
          ipt.sync(chain, scope),
          (err) => err instanceof NetfilterError && err.outcome === 'not-applied' && err.message.includes(name),
        );
        assert.deepEqual(await listing(), before);
      }
    });
  });
});
