// What somebody else's reset, replacement or restore may have taken away is marked, and never becomes a negative or a giant number.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expressions } from '../../lib/index.ts';
import { CountedChain, families, IptablesChain, NftChain, ways } from '../support/counted-chain.ts';
import { CounterTally } from '../support/counter-tally.ts';
import { countOf, LOOPBACK } from '../support/traffic.ts';

const PAYLOAD = 40;
const NEAR_THE_END = 18446744073709551000n;

for (const way of ways) {
  for (const family of families) {
    describe(`${way}, ${family}`, () => {
      it('a foreign reset: what came before and after it was polled is there, and it is marked', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await host.send(20);
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        await host.send(6, PAYLOAD);
        await tally.settled();
        await host.foreign.reset();
        await host.send(4, PAYLOAD);
        await tally.settled(5);
        for (const comment of ['a', 'b', 'jump'])
          assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf(family, 10, PAYLOAD), ['reset']], comment);
      });

      it('a foreign restore without counters is marked for every rule', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await host.send(20);
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        await host.foreign.restore(false);
        await host.send(4, PAYLOAD);
        await tally.settled(5);
        for (const comment of ['a', 'b', 'jump']) {
          assert.deepEqual(tally.sum(comment), countOf(family, 4, PAYLOAD), comment);
          assert.equal(tally.notes(comment).length, 1, comment);
          assert.match(tally.notes(comment)[0] ?? '', /^(reset|lower-bound)$/, comment);
        }
      });

      it('a rule replaced by the same one is marked', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await host.send(20);
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        await host.foreign.replace('a', 'a');
        await host.send(4, PAYLOAD);
        await tally.settled(5);
        assert.deepEqual([tally.sum('a'), tally.notes('a')], [countOf(family, 4, PAYLOAD), ['reset']]);
        assert.deepEqual([tally.sum('b'), tally.notes('b')], [countOf(family, 4, PAYLOAD), []]);
      });

      it('resets, replacements and restores under traffic: never more than was sent, and what lacks is marked', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b', 'goes');
        await host.send(50);
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        const packets = 3000;
        let ended = false;
        const traffic = host.sender.send(LOOPBACK[family], packets, PAYLOAD).then(() => {
          ended = true;
        });
        while (!ended) {
          await host.foreign.reset();
          await host.foreign.replace('a', 'a');
          // Without counters: a rule that begins with a little less than it had looks like one reset to zero.
          await host.foreign.restore(false);
          await host.foreign.insert('goes');
          await host.foreign.remove('goes');
        }
        await traffic;
        await tally.settled(5);
        const most = countOf(family, packets, PAYLOAD);
        for (const comment of ['a', 'b', 'jump']) {
          const { packets: counted, bytes } = tally.sum(comment);
          assert.ok(counted <= most.packets && bytes <= most.bytes, `${comment}: ${counted} of ${packets}`);
          if (counted < most.packets) assert.notDeepEqual(tally.notes(comment), [], comment);
        }
      });

      it('a counter that goes over 2^64 is neither negative nor giant', async () => {
        await using host = await CountedChain.create(way, family, 'beside');
        await host.foreign.append('near', { packets: NEAR_THE_END, bytes: NEAR_THE_END });
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        const there = await host.counters();
        assert.equal(there.packets[there.indexOf({ comment: 'near' })], NEAR_THE_END);
        // Bytes first, in the middle of these; packets later.
        for (const packets of [5, 20, 300, 700]) {
          await host.send(packets, PAYLOAD);
          await tally.settled();
        }
        const sent = countOf(family, 1025, PAYLOAD);
        const near = tally.sum('near');
        assert.ok(near.packets <= sent.packets && near.bytes <= sent.bytes, JSON.stringify([`${near.packets}`, `${near.bytes}`]));
        assert.ok(near.packets >= 325n, `${near.packets}: what no turn was in`);
        assert.deepEqual(tally.notes('near'), ['reset']);
        assert.deepEqual([tally.sum('beside'), tally.notes('beside')], [sent, []]);
      });

      if (way === 'nftables')
        it('a table made anew whose counters have caught up is marked', async () => {
          await using host = await CountedChain.create(way, family, 'a', 'b');
          await host.send(5, PAYLOAD);
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          const listing = await host.ns.must('nft', ['list', 'ruleset']);
          await host.ns.must('nft', ['-f', '-'], {
            input: `flush ruleset\n${listing.replaceAll(/counter packets \d+ bytes \d+/g, 'counter packets 9 bytes 999')}`,
          });
          await tally.settled(5);
          for (const comment of ['a', 'b', 'jump']) {
            assert.equal(tally.sum(comment).packets, 4n, comment);
            assert.deepEqual(tally.notes(comment), ['lower-bound'], comment);
          }
        });

      it('a chain that gets another name makes no giant of the rule that jumps to it', async () => {
        for (const who of ['own', 'foreign'] as const) {
          await using host = await CountedChain.create(way, family, 'a');
          await host.send(500, PAYLOAD);
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          await host[who].rename('C', 'D');
          await host.send(3, PAYLOAD);
          await tally.settled(5);
          const three = countOf(family, 3, PAYLOAD);
          for (const comment of ['a', 'jump']) {
            assert.equal(tally.sum(comment).packets, three.packets, `${who}, ${comment}`);
          }
        }
      });

      it("a reset in one table is nothing to another's rules", async () => {
        // Handles are numbered by table: the same ones are in both.
        await using host = await CountedChain.create(way, family, 'a', 'b');
        const other = way === 'nftables' ? 'other' : 'mangle';
        await host.foreign.restore(true);
        if (host instanceof NftChain) {
          const listing = await host.ns.must('nft', ['list', 'table', family, 'filter']);
          await host.ns.must('nft', ['-f', '-'], { input: listing.replace('filter {', `${other} {`) });
        } else if (host instanceof IptablesChain) {
          const save = await host.ns.must(`${host.program}-save`, ['-t', 'filter']);
          await host.ns.must(`${host.program}-restore`, [], { input: save.replace('*filter', `*${other}`) });
        }
        const watch =
          host instanceof NftChain
            ? host.nft.watchCounters({ intervalMs: 20 })
            : (host as IptablesChain).ipt.watchCounters({ intervalMs: 20 });
        const sums = new Map<string, bigint>();
        const marked = new Set<string>();
        let done = 0;
        const send = async (): Promise<void> => {
          await host.send(10, PAYLOAD);
          // Ours where it is a reset that is noted: the ledger must not mix up tables either.
          if (host instanceof NftChain) {
            const tx = host.nft.transaction();
            tx.reset({ table: { family, name: other } });
            tx.add({ rule: { family, table: other, chain: 'C', expressions: [expressions.counter()] } });
            await tx.commit();
          } else await host.ns.must((host as IptablesChain).program, ['-t', other, '-Z']);
          await host.send(3, PAYLOAD);
        };
        let sent: Promise<void> | undefined;
        for await (const sample of watch) {
          assert.equal(sample.error, undefined);
          for (const { rule, packets, note } of sample.deltas) {
            const key = `${rule.table} ${rule.comment ?? ''}`;
            sums.set(key, (sums.get(key) ?? 0n) + packets);
            if (note !== undefined) marked.add(`${key} ${note}`);
          }
          sent ??= send().then(() => {
            done = 1;
          });
          if (done > 0 && done++ > 4) break;
        }
        await sent;
        for (const comment of ['a', 'b', 'jump']) {
          assert.equal(sums.get(`filter ${comment}`), 13n, comment);
          if (host instanceof NftChain) assert.equal(sums.get(`${other} ${comment}`), 13n, comment);
        }
        assert.deepEqual(
          [...marked].filter((m) => m.startsWith('filter')),
          [],
        );
      });
    });
  }
}
