// What a mirror says of rules in every spelling, and what it says when it does not know.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { expressions as e, Iptables, type Mirror, Nftables, type RuleInput, rule } from '../../lib/index.ts';
import { CompatContext } from '../../lib/iptables/compat/context.ts';
import { CompatMirror } from '../../lib/iptables/compat/mirror.ts';
import { runAsync } from '../../lib/run.ts';
import { programOutput } from '../support/child.ts';
import { type Backend, backends, type IpFamily, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { codeOf, MirrorJudge, seenRule } from '../support/mirrors.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';
import { lockFile } from '../support/xtables-lock.ts';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
/** Turns of the event loop until it is so: whoever waits for ever is ended by the test's own limit. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

class Host implements AsyncDisposable {
  readonly ns: TestNamespace;
  readonly own: Iptables;
  readonly other: Iptables;
  readonly programs: Programs;

  constructor(ns: TestNamespace, backend: Backend, family: IpFamily) {
    this.ns = ns;
    this.programs = new Programs(backend, family);
    const open = (): Iptables => Iptables.openSync({ family, backend, netns: ns.path });
    [this.own, this.other] = [open(), open()];
  }
  static async create(backend: Backend, family: IpFamily = 'ip'): Promise<Host> {
    return new Host(await TestNamespace.create(), backend, family);
  }
  real(...words: readonly string[]): void {
    this.ns.mustSync(this.programs.name, words);
  }
  nft(...lines: readonly string[]): void {
    this.ns.mustSync('nft', ['-f', '-'], { input: lines.join('\n') });
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.own.close();
    await this.other.close();
    await this.ns.close();
  }
}

interface Spelling {
  readonly what: string;
  readonly is: RuleInput;
  readonly there: boolean;
}

const net: Readonly<Record<IpFamily, readonly [a: string, b: string, any: string]>> = {
  ip: ['10.0.0.1', '10.0.0.2', '0.0.0.0/0'],
  ip6: ['fd00::1', 'fd00::2', '::/0'],
};

for (const backend of backends) {
  for (const family of ipFamilies) {
    const [a, b, any] = net[family];
    const spellings: readonly Spelling[] = [
      { what: 'text', is: '-p tcp --dport 22 -j ACCEPT', there: true },
      { what: 'text with the match named', is: '-p tcp -m tcp --dport 22 -j ACCEPT', there: true },
      { what: 'text in another order', is: '-j ACCEPT -p tcp --dport 22', there: true },
      { what: 'text of another port', is: '-p tcp --dport 23 -j ACCEPT', there: false },
      { what: 'text with any address', is: `-s ${any} -p tcp --dport 22 -j ACCEPT`, there: true },
      { what: 'text with counters', is: '-c 5 6 -p tcp --dport 22 -j ACCEPT', there: true },
      { what: 'words', is: ['-p', '6', '--dport', 'ssh', '-j', 'ACCEPT'], there: true },
      { what: 'template', is: rule`-m comment --comment ${'two words'} -j ${'A'}`, there: true },
      { what: 'template of another comment', is: rule`-m comment --comment ${'two'} -j ${'A'}`, there: false },
      {
        what: 'object',
        is: { protocol: 'tcp', matches: [{ name: 'tcp', dport: 22 }], target: { name: 'ACCEPT' } },
        there: true,
      },
      { what: 'object without target', is: { protocol: 'tcp' }, there: false },
      { what: 'several addresses', is: `-s ${a},${b} -j DROP`, there: true },
      { what: 'several addresses, one missing', is: `-s ${a},${b} -j REJECT`, there: false },
      { what: 'one of them', is: `-s ${b} -j DROP`, there: true },
      { what: 'a set', is: '-m set --match-set known src -j DROP', there: true },
      { what: 'another set', is: '-m set --match-set unknown src -j DROP', there: false },
      { what: 'a jump that is a goto', is: '-g A', there: false },
      { what: 'all rules but target', is: '-j RETURN', there: true },
    ];
    test(`${backend} ${family}: exists and list are those of Iptables`, async () => {
      await using h = await Host.create(backend, family);
      for (const set of ['known', 'unknown'])
        h.ns.mustSync('ipset', ['create', set, 'hash:ip', 'family', family === 'ip' ? 'inet' : 'inet6']);
      await using mirror = await h.own.mirror({ tables: ['filter', 'mangle'], pollMs: 100_000 });
      const current = async (): Promise<void> => (backend === 'legacy' ? await mirror.refresh() : undefined);
      // Nothing is made by looking.
      assert.deepEqual([mirror.list('filter'), mirror.list('filter', 'INPUT')], [[], []]);
      assert.equal(mirror.exists('filter', 'INPUT', '-j DROP'), false);
      assert.equal(mirror.exists('filter', 'NOBODYS', '-j DROP'), false);
      h.real('-N', 'A');
      h.real('-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'ACCEPT');
      h.real('-A', 'INPUT', '-m', 'comment', '--comment', 'two words', '-j', 'A');
      h.real('-A', 'INPUT', '-s', `${a},${b}`, '-j', 'DROP');
      h.real('-A', 'INPUT', '-s', a, '-j', 'REJECT');
      h.real('-A', 'INPUT', '-m', 'set', '--match-set', 'known', 'src', '-j', 'DROP');
      h.real('-A', 'INPUT', '-j', 'RETURN');
      if (backend === 'nft') {
        const nftFamily = family;
        h.nft(
          `add rule ${nftFamily} filter INPUT counter accept comment "of nft"`,
          `add rule ${nftFamily} filter INPUT numgen inc mod 2 0 drop`,
          `add chain ${nftFamily} filter base { type filter hook input priority 7; }`,
        );
      }
      await current();
      for (const { what, is, there } of spellings) {
        assert.equal(h.other.existsSync('filter', 'INPUT', is), there, `${what}, Iptables.exists`);
        assert.equal(mirror.exists('filter', 'INPUT', is), there, what);
        assert.equal(mirror.exists('filter', 'A', is), false, `${what}, another chain`);
        assert.equal(mirror.exists('mangle', 'INPUT', is), false, `${what}, another table`);
      }
      const installed = h.other.listSync('filter', 'INPUT');
      assert.deepEqual(mirror.list('filter', 'INPUT').map(seenRule), installed.map(seenRule));
      assert.equal(mirror.list('filter', 'INPUT')[0]?.counter, undefined, 'what is counted is not known');
      let foreign = 0;
      for (const found of [...installed, ...mirror.list('filter', 'INPUT')]) {
        if ('foreign' in found.spec) {
          foreign++;
          assert.equal(
            codeOf(() => mirror.exists('filter', 'INPUT', found)),
            'ERR_INVALID_ARG',
          );
        } else assert.equal(mirror.exists('filter', 'INPUT', found), true, String(found));
      }
      if (backend === 'nft') {
        assert.equal(foreign, 2);
        assert.equal(mirror.exists('filter', 'INPUT', '-m comment --comment "of nft" -j ACCEPT'), true);
      }
      new MirrorJudge(mirror, ['filter', 'mangle']).compare(h.other, 'all of it');
      for (const chain of ['A', 'INPUT', 'FORWARD', 'NOBODYS', 'base'])
        assert.equal(
          codeOf(() => mirror.list('filter', chain)),
          codeOf(() => h.other.listSync('filter', chain)),
          chain,
        );
      assert.equal(
        codeOf(() => mirror.list('filter', 'NOBODYS')),
        'ENOENT',
      );
      for (const bad of [
        () => mirror.list('nat'),
        () => mirror.exists('nat', 'OUTPUT', '-j A'),
        () => mirror.list('nobodys'),
        () => mirror.list('filter', 'a b'),
        () => mirror.exists('filter', '', '-j A'),
        () => mirror.exists('filter', 'INPUT', 5 as never),
      ])
        assert.equal(codeOf(bad), 'ERR_INVALID_ARG', String(bad));
      assert.equal(
        codeOf(() => mirror.exists('filter', 'INPUT', '--nobodys')),
        'ERR_RULE_SYNTAX',
      );
    });
  }

  test(`${backend}: it ends with close and with its connection`, async () => {
    await using h = await Host.create(backend);
    const lookups = (mirror: Mirror): (string | undefined)[] => [
      codeOf(() => mirror.exists('filter', 'INPUT', '-j DROP')),
      codeOf(() => mirror.list('filter')),
    ];
    const [one, two] = [await h.own.mirror(), await h.own.mirror()];
    await one.close();
    await one.close();
    assert.deepEqual(lookups(one), ['ERR_CLOSED', 'ERR_CLOSED']);
    assert.deepEqual([one.stale, one.generation], [true, undefined]);
    assert.equal((await failureOf(() => one.refresh())).code, 'ERR_CLOSED');
    assert.deepEqual(lookups(two), [undefined, undefined]);
    // A reading that is under way when it ends leaves nothing open.
    const before = readdirSync('/proc/self/fd').length;
    for (let i = 0; i < 5; i++) {
      const mirror = await h.own.mirror();
      const refreshed = Promise.allSettled([mirror.refresh(), mirror.refresh(), mirror.refresh()]);
      for (let turns = 0; turns < i; turns++) await turn();
      await mirror.close();
      await refreshed;
    }
    await until(() => readdirSync('/proc/self/fd').length <= before);
    await h.own.close();
    assert.deepEqual(lookups(two), ['ERR_CLOSED', 'ERR_CLOSED']);
    assert.equal((await failureOf(() => two.refresh())).code, 'ERR_CLOSED');
    assert.equal((await failureOf(() => h.own.mirror())).code, 'ERR_CLOSED');
  });

  test(`${backend}: refreshed by many at once, each knows what was there when it asked`, async () => {
    await using h = await Host.create(backend);
    await using mirror = await h.own.mirror({ pollMs: 100_000 });
    for (let n = 1; n <= 10; n++) {
      const early = [mirror.refresh(), mirror.refresh()];
      // Reading.
      await turn();
      h.other.appendSync('filter', 'INPUT', `-p tcp --dport ${n} -j ACCEPT`);
      const late = [mirror.refresh(), mirror.refresh()];
      await Promise.all(late);
      assert.equal(mirror.list('filter').length, n);
      await Promise.all(early);
      assert.equal(mirror.stale, false);
    }
  });

  test(`${backend}: lookups while dumps and commits of its connection are in flight`, async () => {
    await using h = await Host.create(backend);
    await using mirror = await h.own.mirror({ pollMs: 1 });
    let done = false;
    const work = (async () => {
      for (let n = 1; n <= 15; n++) {
        await Promise.all([
          h.own.append('filter', 'INPUT', `-p tcp --dport ${n} -j ACCEPT`),
          h.own.snapshot(),
          h.own.counters(),
          mirror.refresh(),
        ]);
      }
      done = true;
    })();
    let [looked, longest] = [0, 0];
    while (!done) {
      const { length } = mirror.list('filter', 'INPUT');
      assert.ok(length >= longest, 'what was seen stays');
      longest = length;
      // A commit may have been done in between.
      assert.ok(mirror.exists('filter', 'INPUT', '-p tcp --dport 1 -j ACCEPT') || length === 0);
      looked++;
      await turn();
    }
    await work;
    await mirror.refresh();
    assert.equal(mirror.list('filter', 'INPUT').length, 15);
    assert.ok(looked > 15, `${looked} lookups`);
  });

  test(`${backend}: a deleted namespace is kept by the open sockets, as for the connection's own lookups`, async () => {
    const ns = await TestNamespace.create();
    await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
    await ipt.append('filter', 'INPUT', '-j RETURN');
    await using mirror = await ipt.mirror();
    await ns.close();
    await ipt.append('filter', 'INPUT', '-j DROP');
    await mirror.refresh();
    assert.equal(mirror.exists('filter', 'INPUT', '-j DROP'), await ipt.exists('filter', 'INPUT', '-j DROP'));
    assert.equal(mirror.list('filter').length, 2);
  });

  test(`${backend}: bad options`, async () => {
    await using h = await Host.create(backend);
    for (const o of [{ tables: 'filter' as never }, { tables: ['nobodys'] }, { pollMs: 0 }, { pollMs: Number.NaN }])
      assert.equal((await failureOf(() => h.own.mirror(o))).code, 'ERR_INVALID_ARG', JSON.stringify(o));
    await assert.rejects(h.own.mirror({ signal: AbortSignal.abort() }), { name: 'AbortError' });
  });

  test(`${backend}: a forgotten mirror keeps no process, and is collected`, async () => {
    await withNamespace(async (ns) => {
      for (const how of ['forgotten', 'refreshed', 'watched'])
        assert.equal(await programOutput('mirror-exit', [ns.path, backend, how]), 'the end of the program\n', how);
      const stdout = await programOutput('mirror-forgotten', [ns.path, backend], { nodeFlags: ['--expose-gc'] });
      assert.equal(stdout, 'collected\n');
    });
  });
}

test('legacy: changes are seen by themselves every pollMs, a held lock is no matter', async () => {
  await using h = await Host.create('legacy');
  await using mirror = await h.own.mirror({ pollMs: 1 });
  assert.equal(mirror.generation, undefined);
  h.real('-A', 'INPUT', '-j', 'DROP');
  await until(() => mirror.exists('filter', 'INPUT', '-j DROP'));
  const held = await LockHolder.take(lockFile);
  try {
    await mirror.refresh();
    assert.equal(mirror.exists('filter', 'INPUT', '-j DROP'), true);
  } finally {
    await held.release();
  }
  h.real('-F', 'INPUT');
  await until(() => !mirror.exists('filter', 'INPUT', '-j DROP'));
});

/** More bytes of events than are kept for who does not look. */
function flood(ns: TestNamespace): void {
  const nft = Nftables.openSync({ netns: ns.path });
  const loads = Array.from({ length: 120 }, () => e.meta('mark'));
  for (let round = 0; round < 4; round++) {
    const tx = nft.transaction();
    const place = { family: 'inet' as const, table: 'flood' };
    tx.add({ table: { family: 'inet', name: 'flood' } });
    tx.add({ chain: { ...place, name: `c${round}` } });
    for (let i = 0; i < 1300; i++) tx.add({ rule: { ...place, chain: `c${round}`, expressions: loads } });
    tx.commitSync({ handles: false });
  }
  const tx = nft.transaction();
  tx.delete({ table: { family: 'inet', name: 'flood' } });
  tx.commitSync();
  nft.closeSync();
}

test('nft: after an overrun lookups throw ERR_STALE until the tables are read anew', async () => {
  await using h = await Host.create('nft');
  await h.own.append('filter', 'INPUT', '-j RETURN');
  await using mirror = await h.own.mirror();
  for (const how of ['refreshed', 'by itself']) {
    flood(h.ns);
    const err = await failureOf(() => mirror.list('filter'));
    assert.equal(err.code, 'ERR_STALE');
    assert.match(err.message, /refresh\(\)/);
    assert.deepEqual([mirror.stale, mirror.generation], [true, undefined]);
    assert.equal(
      codeOf(() => mirror.exists('filter', 'INPUT', '-j RETURN')),
      'ERR_STALE',
    );
    h.real('-A', 'INPUT', '-j', 'DROP');
    if (how === 'refreshed') await Promise.all([mirror.refresh(), mirror.refresh(), mirror.refresh()]);
    else await until(() => !mirror.stale);
    new MirrorJudge(mirror).compare(h.other, how);
    h.other.appendSync('filter', 'INPUT', '-j DROP');
    new MirrorJudge(mirror).compare(h.other, `${how}, and then followed`);
  }
});

test('nft: what cannot be read anew says why, and goes on being tried', async () => {
  await using h = await Host.create('nft');
  const connection = await runAsync(Connection.open(h.ns.path));
  const source = new CompatMirror(new CompatContext(connection, 'ip'), ['filter']);
  await source.refresh();
  assert.ok(source.view() !== undefined);
  // A kernel that refuses: the dump's request is asked for through the connection.
  const on = connection.on.bind(connection);
  let broken = true;
  connection.on = ((...args: Parameters<typeof on>) => {
    if (broken) throw new Error('no dump today');
    return on(...args);
  }) as typeof connection.on;
  flood(h.ns);
  assert.equal(source.view(), undefined);
  await until(() => {
    source.view();
    return source.failure !== undefined;
  });
  assert.match(String(source.failure), /no dump today/);
  await assert.rejects(source.refresh(), /no dump today/);
  broken = false;
  await until(() => source.view() !== undefined);
  assert.equal(source.failure, undefined);
  source.close();
  await connection.close();
});

test('nft: a table that goes with its owner and comes again', async () => {
  await using h = await Host.create('nft');
  await using mirror = await h.own.mirror();
  const owner = await Nftables.open({ netns: h.ns.path });
  const tx = owner.transaction();
  tx.add({ table: { family: 'ip', name: 'filter', flags: ['owner'] } });
  tx.add({ chain: { family: 'ip', table: 'filter', name: 'OWNED' } });
  tx.add({ rule: { family: 'ip', table: 'filter', chain: 'OWNED', expressions: [e.counter(), e.drop()] } });
  await tx.commit();
  assert.equal(mirror.exists('filter', 'OWNED', '-j DROP'), true);
  await owner.close();
  await until(() => h.other.snapshotSync().tables.length === 0);
  // No generation tells of that: docs/sync.md. What comes next does.
  h.other.newChainSync('filter', 'NEXT');
  new MirrorJudge(mirror).compare(h.other, 'made anew');
  assert.equal(
    codeOf(() => mirror.list('filter', 'OWNED')),
    'ENOENT',
  );
});
