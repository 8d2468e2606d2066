// A watch outlives what it looks at: a table, chain, namespace or permission that goes is a sample with an error, and the next poll is tried.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { type CounterSample, Iptables, Nftables, type Subscription } from '../../lib/index.ts';
import { programOutput } from '../support/child.ts';
import { CountedChain, type IptablesChain, NftChain, ways } from '../support/counted-chain.ts';
import { CounterTally } from '../support/counter-tally.ts';
import { LockHolder } from '../support/lock-holder.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';
import { countOf } from '../support/traffic.ts';
import { lockFile } from '../support/xtables-lock.ts';

/** The first sample for which `wanted` holds. */
async function sampleWith(watch: Subscription<CounterSample>, wanted: (s: CounterSample) => boolean): Promise<CounterSample> {
  for (;;) {
    const { value, done } = await watch.next();
    if (done === true) throw new Error('the watch has ended');
    if (wanted(value)) return value;
  }
}

for (const way of ways) {
  describe(way, () => {
    it('a table that goes is ENOENT, and counts again when it is back', async () => {
      await using host = await CountedChain.create(way, 'ip', 'a');
      if (way === 'iptables-legacy') return await legacyTableStays(host);
      const watch = host.watch(5);
      assert.equal((await sampleWith(watch, () => true)).snapshot?.length, 2);
      const listing = await host.ns.must('nft', ['list', 'ruleset']);
      // A poll may look while it comes back: never rules of nothing.
      for (let turn = 0; turn < 10; turn++) {
        await host.ns.must('nft', ['delete', 'table', 'ip', 'filter']);
        const gone = await sampleWith(watch, (s) => s.snapshot === undefined);
        assert.equal(gone.error?.code, 'ENOENT');
        assert.deepEqual([...gone.deltas], []);
        await host.ns.must('nft', ['-f', '-'], {
          input:
            way === 'nftables'
              ? listing
              : 'table ip filter { chain OUTPUT { type filter hook output priority 0; }; chain C { counter; counter; }; }',
        });
        assert.equal((await sampleWith(watch, (s) => s.snapshot !== undefined)).snapshot?.length, 2);
      }
      await watch.close();
    });

    it('all rules flushed, chains deleted and made again: samples without rows, and no error', async () => {
      await using host = await CountedChain.create(way, 'ip', 'a');
      await using tally = new CounterTally(host.watch(5));
      await tally.settled(1);
      for (let i = 0; i < 3; i++) {
        if (host instanceof NftChain) {
          await host.ns.must('nft', ['flush', 'table', 'ip', 'filter']);
          await host.ns.must('nft', ['delete', 'chain', 'ip', 'filter', 'C']);
          await tally.settled();
          await host.ns.must('nft', ['add', 'chain', 'ip', 'filter', 'C']);
          await host.ns.must('nft', ['add', 'rule', 'ip', 'filter', 'OUTPUT', 'udp', 'dport', '9', 'jump', 'C']);
        } else {
          const { program } = host as IptablesChain;
          await host.ns.must(program, ['-F']);
          await host.ns.must(program, ['-X']);
          await tally.settled();
          await host.ns.must(program, ['-N', 'C']);
          await host.ns.must(program, ['-A', 'OUTPUT', '-p', 'udp', '--dport', '9', '-j', 'C']);
        }
        await host.foreign.append('a');
        await host.send(4, 10);
        await tally.settled();
      }
      assert.deepEqual(
        tally.samples.flatMap((s) => s.error ?? []),
        [],
      );
      assert.ok(tally.samples.some((s) => s.snapshot?.length === 0));
      assert.deepEqual(tally.sum('a'), countOf('ip', 12, 10));
    });

    it('a namespace whose holder has gone is ERR_NAMESPACE_GONE, poll after poll', async () => {
      await using ns = await TestNamespace.create();
      const client =
        way === 'nftables'
          ? await Nftables.open({ netns: ns.path })
          : await Iptables.open({ family: 'ip', backend: way === 'iptables-nft' ? 'nft' : 'legacy', netns: { pid: ns.pid } });
      const watch = client.watchCounters({ intervalMs: 5 });
      assert.equal((await sampleWith(watch, () => true)).snapshot?.length, 0);
      await ns.close();
      await sampleWith(watch, (s) => s.error !== undefined);
      for (let i = 0; i < 3; i++) {
        const { value } = await watch.next();
        assert.equal((value as CounterSample).error?.code, 'ERR_NAMESPACE_GONE');
      }
      await client.close();
      assert.equal((await watch.next()).done, true);
    });

    it('a closed connection has nothing to watch', async () => {
      await withNamespace(async (ns) => {
        const client =
          way === 'nftables'
            ? await Nftables.open({ netns: ns.path })
            : await Iptables.open({ family: 'ip', backend: way === 'iptables-nft' ? 'nft' : 'legacy', netns: ns.path });
        const watch = client.watchCounters({ intervalMs: 5 });
        const waiting = watch.next().then(() => watch.next());
        await client.close();
        await waiting;
        assert.equal((await watch.next()).done, true);
        assert.equal((await failureOf(() => client.watchCounters({ intervalMs: 5 }))).code, 'ERR_CLOSED');
      });
    });

    it('1,000 polls of a steady ruleset make one structure', async () => {
      await using host = await CountedChain.create(way, 'ip', 'a', 'b');
      // What the first says of its rows, the others do not make again: the same array.
      const { chain, handles } = await host.counters();
      for (let i = 0; i < 1000; i++) {
        const again = await host.counters();
        assert.equal(again.chain, chain);
        assert.equal(again.handles, handles);
      }
    });
  });
}

/** Nothing deletes a legacy table without its module. */
async function legacyTableStays(host: CountedChain): Promise<void> {
  const { ipt } = host as IptablesChain;
  const watch = ipt.watchCounters({ intervalMs: 5, table: 'raw' });
  const { value } = await watch.next();
  assert.deepEqual(
    [(value as CounterSample).snapshot?.length, (value as CounterSample).error],
    [0, undefined],
    'one that is not there yet',
  );
  await host.ns.must('iptables-legacy', ['-t', 'raw', '-A', 'OUTPUT', '-j', 'ACCEPT']);
  await sampleWith(watch, (s) => s.snapshot?.length === 1);
  await watch.close();
}

test('structures of what is no longer there are not kept', async () => {
  for (const way of ways) {
    await using host = await CountedChain.create(way, 'ip', 'a');
    const kept: WeakRef<Uint32Array>[] = [];
    for (let i = 0; i < 60; i++) {
      await host.own.append(`r${i}`);
      kept.push(new WeakRef((await host.counters()).chain));
    }
    // Each scope is remembered, but not without end.
    const scopes: WeakRef<Uint32Array>[] = [];
    for (let i = 0; i < 60; i++) {
      const chain = `c${i}`;
      const counters =
        host instanceof NftChain
          ? await host.nft.counters({ table: { family: 'ip', name: 'filter' }, chain })
          : await (host as IptablesChain).ipt.counters({ table: 'filter', chain });
      scopes.push(new WeakRef(counters.chain));
    }
    const { setFlagsFromString } = await import('node:v8');
    const { runInNewContext } = await import('node:vm');
    setFlagsFromString('--expose-gc');
    const gc = runInNewContext('gc') as () => void;
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    const alive = kept.filter((w) => w.deref() !== undefined).length;
    const remembered = scopes.filter((w) => w.deref() !== undefined).length;
    assert.ok(remembered <= 20, `${way}: ${remembered} scopes of 60`);
    assert.ok(alive <= 3, `${way}: ${alive} structures of 60`);
  }
});

test('a lock that somebody holds: polls go on, say so, and make no reset of it', async () => {
  await using host = await CountedChain.create('iptables-legacy', 'ip', 'a');
  await host.send(30, 10);
  assert.equal((await host.counters()).unlocked, undefined);
  await using tally = new CounterTally(host.watch(5));
  await tally.settled(1);
  const before = tally.samples.length;
  const holder = await LockHolder.take(lockFile);
  assert.equal((await host.counters()).unlocked, true);
  await host.send(7, 10);
  await tally.settled(5);
  assert.ok(tally.samples.slice(before + 1).some((s) => s.snapshot?.unlocked === true));
  await holder.release();
  await host.send(3, 10);
  await tally.settled(5);
  assert.equal(tally.samples.at(-1)?.snapshot?.unlocked, undefined);
  assert.deepEqual([tally.sum('a'), tally.notes('a')], [countOf('ip', 10, 10), []]);
});

test('writers that take turns at the lock under traffic: no poll takes their dip for a reset', async () => {
  await using host = await CountedChain.create('iptables-legacy', 'ip', 'a', 'b');
  await host.send(200, 10);
  await using tally = new CounterTally(host.watch(2));
  await tally.settled(1);
  const input = '*filter\n-A C -m comment --comment beside\n-D C -m comment --comment beside\nCOMMIT\n'.repeat(20);
  const traffic = host.send(2000, 10);
  await Promise.all([1, 2].map(() => host.ns.must('iptables-legacy-restore', ['--noflush', '-w'], { input })));
  await traffic;
  await tally.settled(6);
  for (const comment of ['a', 'b', 'jump'])
    assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf('ip', 2000, 10), []], comment);
});

test('a lost permission is an error in the samples, and counting goes on when it is back', async () => {
  await withNamespace(async (ns) => {
    await ns.must('iptables-legacy', ['-A', 'OUTPUT', '-j', 'ACCEPT']);
    await ns.must('iptables-nft', ['-A', 'OUTPUT', '-j', 'ACCEPT']);
    const output = await programOutput('counters-permission', [], { wrapper: ['nsenter', `--net=${ns.path}`, '--'] });
    const lost = (code: string): string[] => ['1 rows', `NetfilterError ${code}`, '1 rows'];
    const said = JSON.parse(output) as Record<string, string[]>;
    assert.deepEqual(said['nftables'], lost('EPERM'));
    assert.deepEqual(said['iptables-nft'], lost('EPERM'));
    assert.ok(
      said['iptables-legacy']?.[1] === 'NetfilterError EACCES' || said['iptables-legacy']?.[1] === 'NetfilterError EPERM',
      JSON.stringify(said),
    );
    assert.equal(said['iptables-legacy']?.length, 3);
  });
});

test('a namespace deleted by its name is gone, even when another one has it', async () => {
  const output = await programOutput('counters-netns', [], { wrapper: ['unshare', '--mount', '--propagation', 'private', '--'] });
  const gone = ['0 rows', 'NetfilterError ERR_NAMESPACE_GONE', 'ERR_NAMESPACE_GONE', 'ERR_NAMESPACE_GONE'];
  assert.deepEqual(JSON.parse(output), { nftables: gone, 'iptables-nft': gone, 'iptables-legacy': gone });
});
