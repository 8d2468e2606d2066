// What counters() takes in, and that a poll with the structure kept from the one before is the same as a fresh one.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inspect } from 'node:util';
import { type CounterSnapshot, Iptables, Nftables } from '../../lib/index.ts';
import type { CounterScope } from '../../lib/nftables/counters.ts';
import { CHAIN, CountedChain, families, type IptablesChain, NftChain, TABLE, ways } from '../support/counted-chain.ts';
import { withNamespace } from '../support/namespace.ts';
import { failureOf } from '../support/nft.ts';

/** All a snapshot says of its rows. */
function rowsOf(counters: CounterSnapshot): unknown[] {
  return Array.from({ length: counters.length }, (_, i) => {
    const { family, table, chain, index, handle, comment, counter } = counters.row(i);
    assert.deepEqual(counter, { packets: counters.packets[i], bytes: counters.bytes[i] });
    assert.equal(counters.handles?.[i], handle);
    return { family, table, chain, index, handle, comment, counter, number: counters.chain[i] };
  });
}

for (const way of ways) {
  for (const family of families) {
    describe(`${way}, ${family}`, () => {
      it('a poll with the structure kept: the rows of a fresh one, with the counts of its own time', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b', 'c');
        const readFresh = async (): Promise<CounterSnapshot> => {
          if (host instanceof NftChain) {
            await using other = await Nftables.open({ netns: host.ns.path });
            return await other.counters({ table: { family, name: TABLE } });
          }
          await using other = await Iptables.open({ family, backend: way === 'iptables-nft' ? 'nft' : 'legacy', netns: host.ns.path });
          return await other.counters({ table: TABLE });
        };
        const first = await host.counters();
        const firstRows = rowsOf(first);
        let last = first;
        for (let i = 1; i <= 4; i++) {
          await host.send(i);
          last = await host.counters();
          const fresh = await readFresh();
          assert.deepEqual(rowsOf(last), rowsOf(fresh));
          assert.equal(last.generation, fresh.generation);
          assert.ok(last.takenAt <= fresh.takenAt && last.takenAt > first.takenAt);
        }
        // An old snapshot keeps what it said.
        assert.deepEqual(rowsOf(first), firstRows);
        assert.equal(last.packets[last.indexOf({ comment: 'b' })], 10n);
        assert.equal(first.packets[first.indexOf({ comment: 'b' })], 0n);

        await host.foreign.insert('z');
        const changed = await host.counters();
        assert.deepEqual(rowsOf(changed), rowsOf(await readFresh()));
        assert.equal(changed.row(changed.indexOf({ comment: 'z', chain: CHAIN })).index, 0);
        assert.deepEqual([last.indexOf({ comment: 'z' }), last.length + 1], [-1, changed.length]);
        if (way !== 'iptables-legacy') assert.notEqual(changed.generation, last.generation);
      });

      it('everything, a table, a chain; what is not there has no rows', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        const tables = way === 'nftables' ? ['other'] : ['mangle'];
        for (const name of tables) {
          if (host instanceof NftChain)
            await host.ns.must('nft', ['-f', '-'], {
              input: `table ${family} ${name} { chain ${CHAIN} { counter comment "elsewhere"; }; }`,
            });
          else await host.ns.must((host as IptablesChain).program, ['-t', name, '-A', 'OUTPUT', '-m', 'comment', '--comment', 'elsewhere']);
        }
        // nft's own, in the same family: nothing of iptables'.
        if (way === 'iptables-nft')
          await host.ns.must('nft', ['-f', '-'], {
            input: `table ${family} mine { chain c { counter comment "foreign"; }; }\ntable inet filter { chain c { counter; }; }`,
          });
        const seen = (counters: CounterSnapshot): string[] =>
          Array.from({ length: counters.length }, (_, i) => {
            const { table, chain, comment } = counters.row(i);
            return `${table} ${chain} ${comment}`;
          });
        assert.deepEqual(seen(await host.counters('table')).sort(), ['filter C a', 'filter C b', 'filter OUTPUT jump']);
        assert.deepEqual(seen(await host.counters('chain')), ['filter C a', 'filter C b']);
        const elsewhere = way === 'nftables' ? 'other C elsewhere' : 'mangle OUTPUT elsewhere';
        assert.deepEqual(seen(await host.counters('all')).sort(), ['filter C a', 'filter C b', 'filter OUTPUT jump', elsewhere]);
        const all = await host.counters('all');
        for (const comment of ['a', 'b', 'jump', 'elsewhere']) assert.equal(all.row(all.indexOf({ comment })).comment, comment);
        assert.equal(all.indexOf({ comment: 'a', table: tables[0] as string }), -1);
        assert.equal(all.indexOf({ comment: 'elsewhere', table: tables[0] as string, family }) >= 0, true);
        for (const bad of [-1, all.length, 0.5]) assert.throws(() => all.row(bad), RangeError);
        if (host instanceof NftChain) {
          const { nft } = host;
          assert.equal((await nft.counters({ table: { family, name: 'none' } })).length, 0);
          assert.equal((await nft.counters({ table: { family, name: TABLE }, chain: 'none' })).length, 0);
          assert.equal((await failureOf(() => nft.counters({ chain: 'c' }))).code, 'ERR_INVALID_ARG');
          const handle = all.handles?.[all.indexOf({ comment: 'b' })] as bigint;
          assert.equal(all.row(all.indexOf({ handle, table: TABLE })).comment, 'b');
        } else {
          const { ipt } = host as IptablesChain;
          assert.equal((await ipt.counters({ table: 'raw' })).length, 0);
          assert.equal((await ipt.counters({ table: TABLE, chain: 'none' })).length, 0);
          assert.equal((await failureOf(() => ipt.counters({ chain: 'c' }))).code, 'ERR_INVALID_ARG');
        }
      });
    });
  }
}

describe('a scope that can be none', () => {
  const ip = 'ip' as const;
  it('is refused before anything is polled: by counters and by watchCounters, of either', async () => {
    await withNamespace(async (ns) => {
      await using nft = await Nftables.open({ netns: ns.path });
      for (const scope of [
        { chain: 'c' },
        { table: { family: 'ipx', name: 't' } },
        { table: { family: ip } },
        { table: { family: ip, name: '' } },
        { table: { family: ip, name: 5 } },
        { table: { family: ip, name: 'x'.repeat(300) } },
        { table: 't' },
        { table: null },
        { table: { family: ip, name: 't' }, chain: 7 },
        { table: { family: ip, name: 't' }, chain: null },
      ] as unknown as CounterScope[]) {
        const invalid = { name: 'NetfilterError', code: 'ERR_INVALID_ARG' };
        await assert.rejects(nft.counters(scope), invalid);
        assert.throws(() => nft.countersSync(scope), invalid);
        assert.throws(() => nft.watchCounters({ ...scope, intervalMs: 5 }), invalid, inspect(scope));
      }
      await using ipt = await Iptables.open({ family: ip, backend: 'nft', netns: ns.path });
      for (const scope of [{ chain: 'c' }, { table: 'x' }, { table: 'filter', chain: '' }])
        assert.throws(() => ipt.watchCounters({ ...scope, intervalMs: 5 }), { code: 'ERR_INVALID_ARG' });
    });
  });

  it('is the one a watch was given, whatever becomes of the object', async () => {
    await withNamespace(async (ns) => {
      await ns.must('nft', ['add table ip t; add chain ip t c; add rule ip t c counter; add rule ip t c counter']);
      await using nft = await Nftables.open({ netns: ns.path });
      const o: { intervalMs: number; table: { family: 'ip'; name: string }; chain?: string } = {
        intervalMs: 5,
        table: { family: ip, name: 't' },
      };
      await using watch = nft.watchCounters(o);
      o.table.name = 'u';
      o.chain = 'd';
      assert.equal((await watch.next()).value?.snapshot?.length, 2);
    });
  });
});
