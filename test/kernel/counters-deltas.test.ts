// Deltas are exact for what lives on, while rules come and go around it, by nflink and by the real programs, at 50 polls a second.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CountedChain, families, ways } from '../support/counted-chain.ts';
import { CounterTally } from '../support/counter-tally.ts';
import { countOf, LOOPBACK } from '../support/traffic.ts';

const PAYLOAD = 40;

for (const way of ways) {
  for (const family of families) {
    describe(`${way}, ${family}`, () => {
      for (const who of ['own', 'foreign'] as const) {
        it(`rules that stay are exact, without a note, through ${who} changes beside them under traffic`, async () => {
          await using host = await CountedChain.create(way, family, 'stays', 'goes', 'other');
          const changes = host[who];
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          const packets = 1500;
          const traffic = host.sender.send(LOOPBACK[family], packets, PAYLOAD);
          let ended = false;
          void traffic.then(() => {
            ended = true;
          });
          let rounds = 0;
          do {
            await changes.append(`appended${rounds}`);
            await changes.insert(`inserted${rounds}`);
            await changes.replace('goes', `replaced${rounds}`);
            await changes.remove(`appended${rounds}`);
            await changes.append('goes');
            await changes.remove(`inserted${rounds}`);
            await changes.remove(`replaced${rounds}`);
            rounds++;
          } while (!ended);
          await traffic;
          await tally.settled(5);
          for (const comment of ['jump', 'stays', 'other']) {
            assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf(family, packets, PAYLOAD), []], comment);
          }
          assert.deepEqual(
            tally.samples.flatMap((s) => s.error ?? []),
            [],
          );
        });

        it(`a rule that comes by ${who} is exact from its beginning`, async () => {
          await using host = await CountedChain.create(way, family, 'there');
          await host.send(20);
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          await host[who].insert('new');
          await host.send(30, PAYLOAD);
          await tally.settled();
          assert.deepEqual([tally.sum('new'), tally.notes('new')], [countOf(family, 30, PAYLOAD), ['new']]);
          await host.send(5, PAYLOAD);
          await tally.settled();
          assert.deepEqual(tally.sum('new'), countOf(family, 35, PAYLOAD));
          assert.deepEqual([tally.sum('there'), tally.notes('there')], [countOf(family, 35, PAYLOAD), []]);
        });

        it(`a rule replaced by ${who} with another one counts what the new one does`, async () => {
          await using host = await CountedChain.create(way, family, 'old', 'beside');
          await host.send(20);
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          await host[who].replace('old', 'now');
          await tally.settled();
          await host.send(9, PAYLOAD);
          await tally.settled();
          assert.deepEqual(tally.sum('now'), countOf(family, 9, PAYLOAD));
          assert.equal(tally.notes('now').length, 1, 'said once, as new or as a lower bound');
          assert.deepEqual([tally.sum('beside'), tally.notes('beside')], [countOf(family, 9, PAYLOAD), []]);
        });

        it(`a restore with counters by ${who} loses nothing and adds nothing`, async () => {
          await using host = await CountedChain.create(way, family, 'a', 'b');
          await host.send(20);
          await using tally = new CounterTally(host.watch());
          await tally.settled(1);
          for (let i = 0; i < 5; i++) {
            await host.send(4, PAYLOAD);
            await host[who].restore(true);
          }
          await host.send(4, PAYLOAD);
          await tally.settled(5);
          for (const comment of ['a', 'b']) assert.deepEqual(tally.sum(comment), countOf(family, 24, PAYLOAD), comment);
        });
      }

      it('our restores without counters: what is counted between two is all there', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        let sent = 0;
        for (const packets of [3, 1, 7, 7, 2, 20]) {
          await host.send(packets, PAYLOAD);
          sent += packets;
          // Nothing else says what they had counted.
          await tally.settled();
          await host.own.restore(false);
        }
        await tally.settled(5);
        for (const comment of ['a', 'b']) assert.deepEqual(tally.sum(comment), countOf(family, sent, PAYLOAD), comment);
      });

      it('our restores of any counters, with nothing passing by, lose nothing and invent nothing', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await host.send(20, PAYLOAD);
        // From here on the rules are as this process writes them: the real program may use other bytes for the same words.
        await host.own.restore(true);
        const early = await host.saved(true);
        await host.send(1000, PAYLOAD);
        const [late, zero] = [await host.saved(true), await host.saved(false)];
        await using tally = new CounterTally(host.watch());
        await tally.settled(1);
        let sent = 0;
        const steps = [
          [7, early],
          [0, late],
          [3, zero],
          [30, early],
          [0, early, zero],
          [1, late, zero, early],
        ] as const;
        for (const [packets, ...restores] of steps) {
          if (packets > 0) await host.send(packets, PAYLOAD);
          // What was counted is in a poll, or nothing would tell it from what passes by just then.
          await tally.settled();
          for (const restore of restores) await restore();
          await host.send(2, PAYLOAD);
          sent += packets + 2;
        }
        await tally.settled(5);
        for (const comment of ['a', 'b', 'jump'])
          assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf(family, sent, PAYLOAD), []], comment);
      });

      it('our restores under traffic never make more of it than there was, and say where it may be less', async () => {
        await using host = await CountedChain.create(way, family, 'a', 'b');
        await using tally = new CounterTally(host.watch(10));
        await tally.settled(1);
        const packets = 3000;
        let ended = false;
        const traffic = host.sender.send(LOOPBACK[family], packets, PAYLOAD).then(() => {
          ended = true;
        });
        for (let i = 0; !ended; i++) await host.own.restore(i % 2 === 0);
        await traffic;
        await tally.settled(5);
        for (const comment of ['a', 'b']) {
          const { packets: counted } = tally.sum(comment);
          assert.ok(counted <= BigInt(packets), `${comment}: ${counted} of ${packets}`);
          if (counted < BigInt(packets)) assert.notDeepEqual(tally.notes(comment), [], comment);
        }
      });
    });
  }
}

for (const family of families) {
  it(`our own resets, under traffic and without, lose nothing (nftables, ${family})`, async () => {
    await using host = await CountedChain.create('nftables', family, 'a', 'b');
    await using tally = new CounterTally(host.watch());
    await tally.settled(1);
    const packets = 2000;
    let ended = false;
    const traffic = host.sender.send(LOOPBACK[family], packets, PAYLOAD).then(() => {
      ended = true;
    });
    let resets = 0;
    for (; !ended; resets++) {
      await host.own.reset();
      // The structure is made anew now and then.
      if (resets % 3 === 0) await host.own.append(`r${resets}`);
    }
    await traffic;
    await tally.settled(5);
    assert.ok(resets > 3);
    for (const comment of ['a', 'b', 'jump'])
      assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf(family, packets, PAYLOAD), []], comment);
  });
}

for (const way of ['nftables', 'iptables-nft'] as const) {
  for (const family of families) {
    it(`${way}, ${family}: our own reset, with nothing passing by, loses nothing and is no foreign one`, async () => {
      await using host = await CountedChain.create(way, family, 'a', 'b');
      await using tally = new CounterTally(host.watch());
      await tally.settled(1);
      for (const packets of [5, 1, 9, 0, 30]) {
        if (packets > 0) await host.send(packets, PAYLOAD);
        await host.own.reset();
      }
      await host.send(2, PAYLOAD);
      await tally.settled(5);
      for (const comment of ['a', 'b', 'jump'])
        assert.deepEqual([tally.sum(comment), tally.notes(comment)], [countOf(family, 47, PAYLOAD), []], comment);
    });
  }
}

for (const family of families) {
  it(`iptables-legacy, ${family}: our own reset loses nothing that is read before, and says where more may have passed`, async () => {
    for (const polled of [true, false]) {
      await using host = await CountedChain.create('iptables-legacy', family, 'a', 'b');
      await using tally = new CounterTally(host.watch());
      await tally.settled(1);
      for (const packets of [5, 1, 9, 0, 30]) {
        if (packets > 0) await host.send(packets, PAYLOAD);
        if (polled) await tally.settled();
        await host.own.reset();
      }
      await host.send(2, PAYLOAD);
      await tally.settled(5);
      for (const comment of ['a', 'b', 'jump']) {
        assert.deepEqual(tally.sum(comment), countOf(family, 47, PAYLOAD), comment);
        assert.ok(
          tally.notes(comment).every((note) => !polled && note === 'lower-bound'),
          `${comment}: ${tally.notes(comment).join()}`,
        );
      }
    }
  });
}
