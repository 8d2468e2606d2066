// A queue of many callers on both backends, judged by the real programs: what the kernel holds afterwards, and what each caller is told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Iptables, NetfilterError, Nftables, type Queue } from '../../lib/index.ts';
import { eventsUntil } from '../support/events.ts';
import { withIptables } from '../support/iptables.ts';
import { type Backend, backends, Programs } from '../support/iptables-programs.ts';
import { withLockFile } from '../support/lock-file.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { type TestNamespace, withNamespace } from '../support/namespace.ts';
import { append, oneByOne, type QueuedCall, queued, remove } from '../support/queued-calls.ts';

const accept = (n: number): string => `-s 10.0.${n >> 8}.${n & 255}/32 -j ACCEPT`;
const input = (n: number): string => `-A INPUT ${accept(n)}`;

interface Host {
  readonly ns: TestNamespace;
  readonly ipt: Iptables;
  readonly programs: Programs;
}
const withHost = (backend: Backend, fn: (h: Host) => Promise<void>): Promise<void> =>
  withIptables((ipt, ns) => fn({ ipt, ns, programs: new Programs(backend, 'ip') }), { backend });

for (const backend of backends) {
  describe(`a queue on ${backend}`, () => {
    it('keeps the order of calls on a chain', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const queue = ipt.queue();
        const calls: QueuedCall[] = [
          append('INPUT', accept(1)),
          append('INPUT', accept(2)),
          remove('INPUT', accept(1)),
          append('FORWARD', accept(1)),
          append('INPUT', accept(3)),
          append('INPUT', accept(1)),
          remove('INPUT', accept(2)),
          append('INPUT', accept(1)),
          remove('INPUT', accept(2)),
        ];
        assert.deepEqual(await queued(calls, queue), [...Array<string>(8).fill('done'), 'ENOENT']);
        const rules = [input(3), input(1), input(1), `-A FORWARD ${accept(1)}`];
        assert.deepEqual(await programs.rules(ns, 'filter'), rules);
        // The first of two that are the same, and no more than there are.
        assert.deepEqual(
          await queued(
            [1, 1, 1].map((n) => remove('INPUT', accept(n))),
            queue,
          ),
          ['done', 'done', 'ENOENT'],
        );
        assert.deepEqual(await programs.rules(ns, 'filter'), [rules[0], rules[3]]);
      });
    });

    it('deletes what others have put there, by any spelling', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        for (const port of [22, 80, 443]) await programs.must(ns, '-A', 'INPUT', '-p', 'tcp', '--dport', `${port}`, '-j', 'ACCEPT');
        const queue = ipt.queue();
        await Promise.all([
          queue.delete('filter', 'INPUT', '-p tcp -m tcp --dport 80 -j ACCEPT'),
          queue.delete('filter', 'INPUT', { protocol: 'tcp', matches: [{ name: 'tcp', dport: 22 }], target: { name: 'ACCEPT' } }),
        ]);
        assert.deepEqual(await programs.rules(ns, 'filter'), ['-A INPUT -p tcp -m tcp --dport 443 -j ACCEPT']);
      });
    });

    it('bad calls fail alone, each as it would by itself', async () => {
      const text = '*filter\n:A - [0:0]\n:B - [0:0]\n-A INPUT -s 9.9.9.9/32\nCOMMIT\n';
      const calls = mixedCalls();
      await withHost(backend, async ({ ipt, ns, programs }) => {
        await withHost(backend, async (twin) => {
          for (const where of [ns, twin.ns]) await programs.restore(where, text);
          const queue = ipt.queue();
          const together = await Promise.allSettled(calls.map((c) => queue[c.verb](c.table, c.chain, c.rule)));
          const failed: string[] = [];
          for (const [i, c] of calls.entries()) {
            const what = `${c.verb} ${c.table} ${c.chain} ${c.rule}`;
            const alone = await twin.ipt[c.verb](c.table, c.chain, c.rule).then(
              () => undefined,
              (err: NetfilterError) => err,
            );
            const settled = together[i];
            assert.equal(settled?.status, alone === undefined ? 'fulfilled' : 'rejected', what);
            if (settled?.status !== 'rejected' || alone === undefined) continue;
            const err = settled.reason as NetfilterError;
            failed.push(err.code);
            assert.equal(err.code, alone.code, what);
            assert.deepEqual([err.outcome, err.errno, err.operation?.path], [alone.outcome, alone.errno, alone.operation?.path], what);
            if (err instanceof NetfilterError && err.operation === undefined) {
              assert.ok(['ERR_INVALID_ARG'].includes(err.code), `${what}: ${err.message}`);
            } else if (err instanceof NetfilterError) {
              const { object, verb, index } = err.operation as { object: { rule: Record<string, unknown> }; verb: string; index: number };
              assert.deepEqual([verb, object.rule['table'], object.rule['chain']], [c.verb, c.table, c.chain], what);
              assert.ok(index < (c.rule.includes(',') ? 2 : 1), `${what}: ${err.message}`);
              assert.doesNotMatch(err.message, /operation [2-9]|more of/, what);
            }
          }
          assert.ok(new Set(failed).size >= 5 && failed.length >= 20, failed.join(' '));
          const state = await programs.state(ns);
          assert.deepEqual(state, await programs.state(twin.ns));
          const good = [...state.values()].flat().filter((line) => line.endsWith('-j ACCEPT'));
          assert.deepEqual(
            good,
            [1, 3, 4, 5].map((n) => `[0:0] ${input(n)}`),
          );
        });
      });
    });

    it('two hundred good calls among a hundred bad ones of every kind', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const queue = ipt.queue();
        const calls = Array.from({ length: 300 }, (_, i) => {
          if (i % 3 !== 0) return append('INPUT', accept(i));
          return [
            append('INPUT', '-j NOWHERE'),
            append('NOWHERE', '-j ACCEPT'),
            remove('INPUT', accept(60_000)),
            append('INPUT', `-s 10.9.0.${i & 255} -j MASQUERADE`),
          ][(i / 3) % 4] as QueuedCall;
        });
        const outcomes = await queued(calls, queue);
        assert.deepEqual(
          outcomes.map((o, i) => (o === 'done' ? i : -1)).filter((i) => i >= 0),
          calls.flatMap((_, i) => (i % 3 === 0 ? [] : [i])),
        );
        const good = calls.flatMap((c, i) => (i % 3 === 0 ? [] : [`-A INPUT ${c.rule}`]));
        assert.deepEqual(await programs.rules(ns, 'filter'), good);
      });
    });

    it('flush and close settle what was called before them', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const queue = ipt.queue({ maxDelayMs: 0x7fffffff, maxBatch: 10 });
        const outcomes = queued(
          Array.from({ length: 25 }, (_, i) => (i === 7 ? append('INPUT', '-j NOWHERE') : append('INPUT', accept(i)))),
          queue,
        );
        await queue.flush();
        assert.equal((await programs.rules(ns, 'filter')).length, 24);
        assert.deepEqual(
          (await outcomes).filter((o) => o !== 'done'),
          ['ENOENT'],
        );
        const last = queue.append('filter', 'INPUT', accept(100));
        await queue.close();
        await last;
        await assert.rejects(queue.append('filter', 'INPUT', accept(101)), { code: 'ERR_CLOSED' });
        assert.equal((await programs.rules(ns, 'filter')).length, 25);
        // The connection is open, and so may be another queue.
        await using other = ipt.queue();
        await other.append('filter', 'INPUT', accept(102));
      });
    });

    it('a connection that closes answers everybody, and each answer is true', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const queue = ipt.queue({ maxBatch: 20 });
        const call = (n: number): Promise<string> =>
          queue.append('filter', 'INPUT', accept(n)).then(
            () => 'done',
            (err: NetfilterError) => err.code,
          );
        const calls = Array.from({ length: 60 }, (_, i) => call(i));
        // Some wait, some are in flight, none has been answered.
        await new Promise((resolve) => setImmediate(resolve));
        await ipt.close();
        const outcomes = await Promise.all(calls);
        assert.ok(outcomes.includes('ERR_CLOSED'));
        assert.deepEqual(new Set(outcomes.filter((o) => o !== 'done')), new Set(['ERR_CLOSED']));
        const done = outcomes.flatMap((o, i) => (o === 'done' ? [input(i)] : []));
        assert.deepEqual(await programs.rules(ns, 'filter'), done);
        await assert.rejects(queue.delete('filter', 'INPUT', accept(0)), { code: 'ERR_CLOSED' });
        await queue.close();
        assert.throws(() => ipt.queue(), { code: 'ERR_CLOSED' });
      });
    });

    it('an aborted call is not made', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const queue = ipt.queue({ maxDelayMs: 0x7fffffff });
        const aborting = new AbortController();
        const aborted = queue.append('filter', 'INPUT', accept(1), { signal: aborting.signal });
        const kept = queue.append('filter', 'INPUT', accept(2));
        aborting.abort();
        await assert.rejects(aborted, { name: 'AbortError' });
        await queue.flush();
        await kept;
        assert.deepEqual(await programs.rules(ns, 'filter'), [input(2)]);
      });
    });

    it('goes on where others commit all the time', async () => {
      await withHost(backend, async ({ ipt, ns, programs }) => {
        const other = await Iptables.open({ family: 'ip', backend, netns: ns.path });
        const queues: readonly Queue[] = [ipt.queue({ maxBatch: 7 }), other.queue({ maxBatch: 5 })];
        const calls = queues.map((queue, q) =>
          queued(
            Array.from({ length: 80 }, (_, i) =>
              i % 4 === 3 ? remove('INPUT', accept(q * 1000 + i - 1)) : append('INPUT', accept(q * 1000 + i)),
            ),
            queue,
          ),
        );
        assert.deepEqual(new Set((await Promise.all(calls)).flat()), new Set(['done']));
        const rules = await programs.rules(ns, 'filter');
        for (const q of [0, 1]) {
          const wanted = Array.from({ length: 80 }, (_, i) => i).filter((i) => i % 4 < 2);
          const own = wanted.map((i) => input(q * 1000 + i));
          assert.deepEqual(
            rules.filter((rule) => own.includes(rule)),
            own,
          );
        }
        assert.equal(rules.length, 80);
        await other.close();
      });
    });
  });
}

/** Good ones, and bad ones of every kind that either backend knows. */
function mixedCalls(): readonly QueuedCall[] {
  return [
    append('INPUT', accept(1)),
    append('INPUT', '--nonsense'),
    append('no such chain', '-j ACCEPT'),
    append('INPUT', '-j ACCEPT', 'nonsense'),
    append('NOWHERE', accept(2)),
    append('INPUT', '-j NOWHERE'),
    remove('INPUT', accept(99)),
    remove('NOWHERE', accept(99)),
    append('A', '-j B'),
    append('INPUT', '-j A'),
    append('B', '-j A'),
    append('INPUT', accept(3)),
    append('B', '-g A'),
    append('INPUT', '-j MASQUERADE'),
    append('INPUT', '-m owner --uid-owner 0 -j DROP'),
    append('INPUT', '-j CT --notrack'),
    append('FORWARD', '-j INPUT'),
    append('INPUT', '-m set --match-set nosuch src -j DROP'),
    append('INPUT', '-j LED --led-trigger-id x'),
    append('INPUT', '-m nfacct --nfacct-name nosuch'),
    append('POSTROUTING', '-j DROP', 'nat'),
    append('POSTROUTING', '-j MASQUERADE', 'nat'),
    append('PREROUTING', '-j MASQUERADE', 'nat'),
    append('INPUT', accept(4)),
    append('FORWARD', '-s 2.2.2.2,3.3.3.3 -j RETURN'),
    remove('FORWARD', '-s 2.2.2.2,4.4.4.4 -j RETURN'),
    remove('FORWARD', '-s 2.2.2.2,3.3.3.3 -j RETURN'),
    append('INPUT', '-s 1.1.1.2,1.1.1.3 -j NOWHERE'),
    remove('INPUT', '-j NOWHERE'),
    remove('INPUT', '-j FORWARD'),
    remove('INPUT', '-s 9.9.9.9'),
    remove('INPUT', '-s 9.9.9.9'),
    append('PREROUTING', '-p tcp -j TCPMSS --clamp-mss-to-pmtu', 'mangle'),
    remove('FORWARD', accept(1), 'mangle'),
    remove('PREROUTING', accept(1), 'raw'),
    append('OUTPUT', '-j MARK --set-mark 1', 'mangle'),
    append('INPUT', accept(5)),
  ];
}

describe('a queue on nf_tables', () => {
  it('makes one commit of a hundred calls on several tables', async () => {
    await withHost('nft', async ({ ipt, ns }) => {
      await using nft = await Nftables.open({ netns: ns.path });
      // Tables and chains are made by the first rule in them.
      for (const table of ['filter', 'mangle']) await ipt.append(table, 'INPUT', '-j LOG');
      const events = nft.events();
      const queue = ipt.queue({ maxDelayMs: 0 });
      const calls = Array.from({ length: 100 }, (_, i) =>
        i % 10 === 9
          ? remove('INPUT', accept(i - 2), ['filter', 'mangle'][(i - 2) % 2])
          : append('INPUT', accept(i), ['filter', 'mangle'][i % 2]),
      );
      assert.deepEqual(await queued(calls, queue), Array<string>(100).fill('done'));
      const mark = nft.transaction();
      mark.add({ table: { family: 'netdev', name: 'mark' } });
      await mark.commit();
      const commits = await eventsUntil(events, 'mark');
      assert.equal(commits.length, 1);
      assert.equal(ipt.countersSync().length, 82);
      await events.close();
    });
  });

  it('deletes hundreds of rules of every kind in one commit, each the first that is the same', async () => {
    const kinds = [
      (n: number) => `-p tcp --dport ${n}`,
      (n: number) => `-p udp -m udp ! --sport ${n} -j DROP`,
      (n: number) => `! -s 10.0.0.${n}/32 -d 10.0.${n}.0/24 -j ACCEPT`,
      (n: number) => `-i eth${n} ! -o wlan+ -j LOG --log-prefix "n ${n}"`,
      (n: number) => `-m comment --comment "call ${n}" -j A`,
      (n: number) => `-m mark --mark 0x${n}/0xff -m limit --limit ${n}/hour -g A`,
      (n: number) => `-p icmp --icmp-type 8 -m comment --comment "${'x'.repeat(255 - n)}" -j RETURN`,
    ];
    const rules = Array.from({ length: 240 }, (_, i) =>
      (kinds[i % kinds.length] as (n: number) => string)(1 + (Math.floor(i / kinds.length) % 12)),
    );
    await withHost('nft', async ({ ipt, ns }) => {
      await ipt.newChain('filter', 'A');
      await using nft = await Nftables.open({ netns: ns.path });
      await Promise.all(rules.map((rule) => ipt.append('filter', 'FORWARD', rule)));
      const handles = (await ipt.list('filter', 'FORWARD')).map((rule) => rule.handle);
      // Of those that stand there several times, all but the last.
      const last = new Map(rules.map((rule, i) => [rule, i]));
      const wanted = handles.filter((_, i) => last.get(rules[i] ?? '') === i);
      const surplus = rules.filter((rule, i) => last.get(rule) !== i).reverse();
      assert.ok(surplus.length > 100, `${surplus.length}`);
      const generation = (await nft.snapshot()).generation;
      assert.deepEqual(
        new Set(
          await queued(
            surplus.map((rule) => remove('FORWARD', rule)),
            ipt.queue(),
          ),
        ),
        new Set(['done']),
      );
      assert.equal((await nft.snapshot()).generation, (generation ?? 0) + 1);
      assert.deepEqual(
        (await ipt.list('filter', 'FORWARD')).map((rule) => rule.handle),
        wanted,
      );
    });
  });

  it('a builtin chain that iptables does not see fails its callers alone', async () => {
    await withHost('nft', async ({ ipt, ns }) => {
      const chain = '{\ntype filter hook forward priority 7;\n}';
      await ns.must('nft', ['-f', '-'], { input: `table ip filter {\n chain FORWARD ${chain}\n}\n` });
      const calls = [append('INPUT', accept(1)), append('FORWARD', accept(2)), remove('FORWARD', accept(2)), append('INPUT', accept(3))];
      assert.deepEqual(await queued(calls, ipt.queue()), ['done', 'EOPNOTSUPP', 'EOPNOTSUPP', 'done']);
    });
  });
});

describe('a queue on legacy', () => {
  it('a lock that is held is the answer to everybody, after one wait', async () => {
    await withLockFile(async (path) => {
      await withNamespace(async (ns) => {
        const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns: ns.path, lockTimeoutMs: 0 });
        await ipt.append('filter', 'INPUT', accept(0));
        const holder = await LockHolder.take(path);
        const queue = ipt.queue();
        const calls = [1, 2, 3].map((n) => queue.append('filter', 'INPUT', accept(n)));
        for (const [i, call] of calls.entries()) {
          await assert.rejects(call, (err: NetfilterError) => {
            assert.match(err.message, /^append in filter INPUT: .* holds the xtables lock/);
            assert.deepEqual([err.code, err.outcome], ['EAGAIN', 'not-applied']);
            assert.ok(JSON.stringify(err.operation).includes(`10.0.0.${i + 1}/32`));
            return true;
          });
        }
        await holder.release();
        await queue.append('filter', 'INPUT', accept(4));
        assert.deepEqual(await oneByOne([remove('INPUT', accept(2)), remove('INPUT', accept(4))], ipt), ['ENOENT', 'done']);
        await ipt.close();
      });
    });
  });
});
