// Syncs beside others that write: nothing of theirs is lost, the scope ends as desired, no packet finds a rule missing that is always desired, and who
// writes all the time is named.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Iptables, NetfilterError, type Scope } from '../../lib/index.ts';
import type { Verb } from '../../lib/run.ts';
import { CountedChain, families } from '../support/counted-chain.ts';
import { type Backend, backends, ipFamilies, Programs } from '../support/iptables-programs.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { Random } from '../support/random.ts';
import { NamespaceShell } from '../support/shell.ts';
import { PORT } from '../support/traffic.ts';

const SEED = 4711;
/** In each of them all others write once, while syncs go on. */
const ROUNDS: Readonly<Record<Backend, number>> = { nft: 25, legacy: 60 };
const SCOPE: Scope = { tables: ['filter'], chains: /^OURS-/, jumps: [{ table: 'filter', chain: 'INPUT', rule: '-j OURS-1', at: 'first' }] };

/** Chains of ours, one of them always there: INPUT jumps to it. */
function desired(random: Random): string {
  const chains = ['OURS-1', 'OURS-2', 'OURS-3'].filter((name) => name === 'OURS-1' || random.chance(0.7));
  const rules = chains.flatMap((name) =>
    Array.from(
      { length: random.below(6) },
      () => `-A ${name} -p tcp -m tcp --dport ${1 + random.below(9)} -j ${random.pick(['ACCEPT', 'RETURN'])}\n`,
    ),
  );
  return `*filter\n${chains.map((name) => `:${name} - [0:0]\n`).join('')}${rules.join('')}COMMIT\n`;
}

/** What one writer does, over and over: each step adds something of its own; what it has added must be there in the end. */
interface Writer {
  readonly name: string;
  readonly backend?: Backend;
  readonly step: (n: number, programs: Programs) => readonly string[];
  /** The lines that the program `saved` prints of its work. */
  readonly saved: (n: number, programs: Programs) => string;
}
const writers: readonly Writer[] = [
  {
    name: 'iptables in a chain of its own of the same table',
    step: (n, { name }) => [name, '-w', '-A', 'THEIRS', '-p', 'udp', '--dport', `${n}`, '-j', 'ACCEPT'],
    saved: (n) => `-A THEIRS -p udp -m udp --dport ${n} -j ACCEPT`,
  },
  {
    name: 'iptables in the chain in which our jump stands',
    step: (n, { name }) => [name, '-w', n % 2 === 0 ? '-I' : '-A', 'INPUT', '-p', 'udp', '--sport', `${n}`, '-j', 'ACCEPT'],
    saved: (n) => `-A INPUT -p udp -m udp --sport ${n} -j ACCEPT`,
  },
  {
    name: 'iptables in another table',
    step: (n, { name }) => [name, '-w', '-t', 'mangle', '-A', 'OUTPUT', '-p', 'tcp', '--dport', `${n}`, '-j', 'RETURN'],
    saved: (n) => `-A OUTPUT -p tcp -m tcp --dport ${n} -j RETURN`,
  },
  {
    name: 'nft in the same table',
    backend: 'nft',
    step: (n, { family }) => [
      'nft',
      'add',
      'rule',
      family,
      'filter',
      'INPUT',
      'udp',
      'dport',
      `${n}`,
      'counter',
      'accept',
      'comment',
      `n${n}`,
    ],
    saved: (n) => `udp dport ${n} counter packets 0 bytes 0 accept comment "n${n}"`,
  },
  {
    name: 'nft in a table of its own',
    backend: 'nft',
    step: (n) => ['nft', 'add', 'table', 'inet', `t${n}`],
    saved: (n) => `table inet t${n} {`,
  },
];

for (const backend of backends)
  for (const family of ipFamilies)
    describe(`foreign writers on ${backend}, ${family}`, () => {
      it('syncs beside them lose nothing of theirs, and the scope ends as desired', async (t) => {
        t.diagnostic(`seed ${SEED}`);
        const random = new Random(SEED);
        const programs = new Programs(backend, family);
        const rounds = ROUNDS[backend];
        await withNamespace(async (ns) => {
          await programs.restore(ns, '*filter\n:INPUT ACCEPT [0:0]\n:THEIRS - [0:0]\nCOMMIT\n');
          await using ipt = await Iptables.open({ family, backend, netns: ns.path });
          const active = writers.filter((w) => (w.backend ?? backend) === backend);
          const shells = active.map(() => new NamespaceShell(ns));
          let text = '';
          let [syncs, retries, changes] = [0, 0, 0];
          try {
            for (let round = 1; round <= rounds; round++) {
              let writing = active.length;
              const written = active.map(async (writer, i) => {
                try {
                  await (shells[i] as NamespaceShell).must(writer.step(round, programs));
                } finally {
                  writing--;
                }
              });
              while (writing > 0) {
                text = desired(random);
                const report = await syncedAtLast(ipt, text);
                syncs++;
                retries += report.retries;
                changes += report.added + report.removed + report.moved;
              }
              await Promise.all(written);
            }
          } finally {
            for (const shell of shells) await shell[Symbol.asyncDispose]();
          }
          t.diagnostic(`${syncs} syncs, ${changes} changes, ${retries} retries, beside ${active.length * rounds} commits of others`);
          assert.ok(syncs >= rounds && changes > rounds);
          // Their last ones may have come behind our last: INPUT begins with our jump unless they inserted theirs before.
          await syncedAtLast(ipt, text);
          const saved = await programs.save(ns);
          const listing = `${saved}${backend === 'nft' ? await ns.must('nft', ['list', 'ruleset']) : ''}`;
          for (const writer of active)
            for (let n = 1; n <= rounds; n++) assert.ok(listing.includes(writer.saved(n, programs)), `${writer.name}: ${n} is gone`);
          const ours = saved.split('\n').filter((line) => line.startsWith('-A OURS-'));
          assert.deepEqual(
            ours.sort(),
            text
              .split('\n')
              .filter((line) => line.startsWith('-A OURS-'))
              .sort(),
          );
          const order = ours.filter((line) => line.startsWith('-A OURS-1'));
          assert.deepEqual(order.length, text.split('\n').filter((line) => line.startsWith('-A OURS-1')).length);
          const [first] = saved.split('\n').filter((line) => line.startsWith('-A INPUT'));
          assert.equal(first, '-A INPUT -j OURS-1');
          assert.ok((await ipt.plan(text, SCOPE)).empty);
        });
      });
    });

/** Others may be faster ten times in a row; that is told, and nothing is done. */
async function syncedAtLast(ipt: Iptables, text: string): ReturnType<Iptables['sync']> {
  for (;;) {
    try {
      return await ipt.sync(text, SCOPE);
    } catch (err) {
      if (!(err instanceof NetfilterError) || err.code !== 'ERR_CONFLICT') throw err;
      assert.equal(err.outcome, 'not-applied');
    }
  }
}

/** At a time. */
const PACKETS = 100;
const SYNCS_IN_TRAFFIC = { ip: 500, ip6: 100 } as const;

for (const way of ['iptables-nft', 'iptables-legacy'] as const)
  for (const family of families)
    describe(`packets, ${way} ${family}`, () => {
      it('no packet finds a rule missing that is always desired, and one that stays counts them all', async (t) => {
        const backend = way === 'iptables-nft' ? 'nft' : 'legacy';
        const random = new Random(SEED);
        await using host = await CountedChain.create(way, family);
        await using ipt = await Iptables.open({ family, backend, netns: host.ns.path });
        const ours = `-p udp -m udp --dport ${PORT} -m comment --comment`;
        // C: a rule that stays, since what stands before it never stands behind it. D: one that moves. Behind both: what counts packets that found none.
        const text = (): string => {
          const some = (chain: string, from: number): string[] =>
            Array.from({ length: random.below(5) }, () => `-A ${chain} -p tcp -m tcp --dport ${from + random.below(9)}`);
          const maybe = (line: string): string[] => (random.chance(0.5) ? [line] : []);
          const moving = some('D', 1);
          moving.splice(random.below(moving.length + 1), 0, `-A D ${ours} moving -j ACCEPT`);
          const lines = [
            ...maybe('-A OUTPUT -p tcp'),
            `-A OUTPUT ${ours} jump -j C`,
            ...maybe('-A OUTPUT -p sctp'),
            `-A OUTPUT ${ours} second -j D`,
            `-A OUTPUT ${ours} missed`,
            ...some('C', 1),
            `-A C ${ours} always`,
            ...some('C', 11),
            ...moving,
          ];
          return `*filter\n:C - [0:0]\n:D - [0:0]\n${lines.map((line) => `${line}\n`).join('')}COMMIT\n`;
        };
        const scope: Scope = { tables: ['filter'] };
        await ipt.sync(text(), scope);
        const syncs = SYNCS_IN_TRAFFIC[family];
        let [packets, ended] = [0, false];
        const traffic = (async () => {
          while (!ended) {
            await host.send(PACKETS);
            packets += PACKETS;
          }
        })();
        let changes = 0;
        try {
          for (let i = 0; i < syncs; i++) {
            const { added, removed, moved } = i % 2 === 0 ? await ipt.sync(text(), scope) : ipt.syncSync(text(), scope);
            changes += added + removed + moved;
          }
        } finally {
          ended = true;
          await traffic;
        }
        assert.ok(changes > syncs);
        t.diagnostic(`${packets} packets, ${syncs} syncs with ${changes} changes`);
        const counted = (await host.ns.must(`${new Programs(backend, family).name}-save`, ['-c'])).split('\n');
        for (const [rule, count] of [
          [`-A C ${ours} always`, packets],
          [`-A OUTPUT ${ours} jump -j C`, packets],
          [`-A OUTPUT ${ours} missed`, 0],
        ] as const) {
          const [line, ...more] = counted.filter((l) => l.endsWith(rule));
          assert.equal(more.length, 0);
          assert.match(line ?? '', new RegExp(`^\\[${count}:`), rule);
        }
      });
    });

/** Lets somebody else commit right before each of the next `times` commits. */
class Intruder implements Disposable {
  tries = 0;
  readonly #on = Connection.prototype.on;

  constructor(times: number, commit: (n: number) => void) {
    const [count, original] = [() => ++this.tries, this.#on];
    Connection.prototype.on = function <T>(this: Connection, ...args: Parameters<typeof original<T>>) {
      const [lane, what] = args;
      if (lane === 'batch' && what === 'commit') {
        const n = count();
        if (n <= times) commit(n);
      }
      return original.apply(this, args as never) as Verb<T>;
    };
  }
  [Symbol.dispose](): void {
    Connection.prototype.on = this.#on;
  }
}

interface Conflict {
  readonly name: string;
  readonly text: (n: number) => string;
  /** Whether a commit to the table itself is needed to come in between; on legacy others don't. */
  readonly inTable: boolean;
  /** What the n-th of them adds to what the sync has to take away. */
  readonly removes: (n: number) => number;
}
const conflicts: readonly Conflict[] = [
  { name: 'in another table', inTable: false, text: (n) => `*mangle\n-A OUTPUT -p tcp -m tcp --dport ${n}\nCOMMIT\n`, removes: () => 0 },
  { name: 'in another chain', inTable: true, text: (n) => `*filter\n-A THEIRS -p tcp -m tcp --dport ${n}\nCOMMIT\n`, removes: () => 0 },
  {
    name: 'in a chain of the scope',
    inTable: true,
    text: (n) => `*filter\n-I OURS-1 -p tcp -m tcp --sport ${n}\nCOMMIT\n`,
    removes: (n) => n,
  },
];
const WANTED = '*filter\n:OURS-1 - [0:0]\n:OURS-2 - [0:0]\n-A OURS-1 -j OURS-2\n-A OURS-2 -p udp -j ACCEPT\nCOMMIT\n';

for (const backend of backends)
  describe(`a writer that is faster, on ${backend}`, () => {
    const programs = new Programs(backend, 'ip');
    const restore = (ns: TestNamespace, text: string): void => void ns.mustSync(`${programs.name}-restore`, ['--noflush'], { input: text });
    async function withOurs(fn: (ns: TestNamespace, ipt: Iptables) => Promise<void>): Promise<void> {
      await withNamespace(async (ns) => {
        restore(ns, '*filter\n:THEIRS - [0:0]\n:OURS-1 - [0:0]\n:OURS-OLD - [0:0]\n-A OURS-1 -p udp\n-A INPUT -p tcp\nCOMMIT\n');
        await using ipt = await Iptables.open({ family: 'ip', backend, netns: ns.path });
        await fn(ns, ipt);
      });
    }
    const sorted = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => line.startsWith('-A OURS-'))
        .sort();

    for (const { name, text, inTable, removes } of conflicts)
      for (const form of ['promise', 'sync'] as const)
        it(`three times, ${name}: looked at again and done, ${form}`, async () => {
          await withOurs(async (ns, ipt) => {
            using intruder = new Intruder(3, (n) => restore(ns, text(n)));
            const report = form === 'promise' ? await ipt.sync(WANTED, SCOPE) : ipt.syncSync(WANTED, SCOPE);
            const expected = inTable || backend === 'nft' ? 3 : 0;
            assert.deepEqual([report.retries, intruder.tries], [expected, expected + 1]);
            assert.equal(report.removed, 1 + removes(expected));
            assert.equal(report.added, 3);
            const saved = await programs.save(ns);
            assert.deepEqual(sorted(saved), sorted(WANTED));
            for (let n = 1; n <= intruder.tries && n <= 3; n++) {
              const line = text(n).split('\n')[1] as string;
              assert.equal(saved.includes(`${line}\n`), removes(1) === 0, line);
            }
            assert.ok((await ipt.plan(WANTED, SCOPE)).empty);
          });
        });

    it('ten times: ERR_CONFLICT names who it was, nothing is done, and the next sync works', async () => {
      await withOurs(async (ns, ipt) => {
        const before = sorted(await programs.save(ns));
        {
          using intruder = new Intruder(10, (n) =>
            backend === 'nft'
              ? void ns.mustSync('nft', ['add', 'rule', 'ip', 'filter', 'THEIRS', 'counter', 'comment', `n${n}`])
              : restore(ns, `*filter\n-A THEIRS -p tcp -m tcp --dport ${n}\nCOMMIT\n`),
          );
          await assert.rejects(ipt.sync(WANTED, SCOPE), (err) => {
            assert.ok(err instanceof NetfilterError);
            assert.deepEqual([err.code, err.outcome], ['ERR_CONFLICT', 'not-applied']);
            assert.match(err.message, backend === 'nft' ? /each of 10 tries, last by nft \(thread \d+\)/ : /each of 10 tries/);
            return true;
          });
          assert.equal(intruder.tries, 10);
        }
        assert.deepEqual(sorted(await programs.save(ns)), before);
        const rules = (await programs.rules(ns, 'filter')).filter((line) => line.startsWith('-A THEIRS'));
        assert.equal(rules.length, 10);
        assert.equal((await ipt.sync(WANTED, SCOPE)).retries, 0);
        assert.deepEqual(sorted(await programs.save(ns)), sorted(WANTED));
      });
    });

    it('a plan that has grown old is made anew, by whoever has committed', async () => {
      await withOurs(async (ns, ipt) => {
        for (const commit of [
          async () => restore(ns, '*filter\n-A OURS-1 -p icmp\nCOMMIT\n'),
          async () => ipt.append('filter', 'OURS-1', '-p icmp'),
        ]) {
          restore(ns, '*filter\n:OURS-1 - [0:0]\n-A OURS-1 -p udp\nCOMMIT\n');
          const plan = await ipt.plan(WANTED, SCOPE);
          const empty = await ipt.plan('*filter\n:OURS-1 - [0:0]\n-A OURS-1 -p udp\nCOMMIT\n');
          assert.ok(empty.empty);
          await commit();
          const again = await empty.apply();
          assert.deepEqual([again.added, again.removed, again.kept], [0, 1, 1]);
          await commit();
          const report = await plan.apply();
          assert.equal(report.removed, plan.removed + 1);
          assert.ok(report.retries <= 1);
          assert.deepEqual(sorted(await programs.save(ns)), sorted(WANTED));
        }
      });
    });

    it('two syncs at once, of one connection and of two, both come about', async () => {
      await withOurs(async (ns, ipt) => {
        await using other = await Iptables.open({ family: 'ip', backend, netns: ns.path });
        const text = (chain: string, n: number): string => `*filter\n:${chain} - [0:0]\n-A ${chain} -p tcp -m tcp --dport ${n}\nCOMMIT\n`;
        for (let n = 1; n <= 10; n++) {
          const reports = await Promise.all([ipt.sync(text('OURS-1', n)), ipt.sync(text('OURS-2', n)), other.sync(text('OURS-3', n))]);
          assert.ok(reports.every(({ added }) => added === 1));
        }
        const saved = sorted(await programs.save(ns));
        assert.deepEqual(
          saved,
          ['OURS-1', 'OURS-2', 'OURS-3'].map((chain) => `-A ${chain} -p tcp -m tcp --dport 10`),
        );
      });
    });
  });
