// The state built from events alone equals a fresh dump after each of 2,000 random transactions, real nft's among them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressions as e } from '../../lib/index.ts';
import { Follower } from '../../lib/nftables/events/follow.ts';
import { nextCommit, picture } from '../support/events.ts';
import { NftFixture } from '../support/nft.ts';
import { Chaos } from '../support/nft-chaos.ts';

const TRANSACTIONS = 2000;
for (const seed of [1, 20_261_120]) {
  test(`2,000 random transactions, seed ${seed}`, async () => {
    await using f = await NftFixture.create();
    await using events = f.nft.events();
    const chaos = new Chaos(seed);
    let state = f.nft.snapshotSync();
    const follower = Follower.of(state);
    let [applied, refused, foreign] = [0, 0, 0];
    while (applied < TRANSACTIONS) {
      const before = state.generation;
      if (applied % 12 === 11) {
        if (f.ns.runSync('nft', ['-f', '-'], { input: chaos.foreign(state) }).code === 0) foreign++;
      } else {
        const tx = f.nft.transaction();
        chaos.own(tx, state);
        try {
          tx.commitSync({ handles: false });
        } catch (err) {
          if ((err as { code?: string }).code === 'ERR_INVALID_ARG') throw err;
          refused++;
        }
      }
      state = f.nft.snapshotSync();
      if (state.generation === before) continue;
      applied++;
      while (follower.generation !== state.generation) {
        const commit = await nextCommit(events);
        assert.ok(follower.apply(commit), `commit ${commit.generation} of ${commit.process} can't be followed`);
      }
      assert.deepEqual(picture(follower), picture(state), `after ${applied} transactions`);
    }
    assert.ok(refused < TRANSACTIONS / 5 && foreign > TRANSACTIONS / 50, `${refused} refused, ${foreign} of nft's`);
  });
}

test('a missing commit is noticed, and one that the snapshot has is passed over', async () => {
  await using f = await NftFixture.withChains('c');
  await using events = f.nft.events();
  const early = Follower.of(f.nft.snapshotSync());
  const commits = [];
  for (const comment of ['a', 'b', 'c']) {
    const tx = f.nft.transaction();
    tx.add({ rule: { family: 'ip', table: 't', chain: 'c', comment, expressions: [e.counter()] } });
    tx.commitSync();
    commits.push(await nextCommit(events));
  }
  const late = Follower.of(f.nft.snapshotSync());
  assert.deepEqual(
    commits.map((c) => late.apply(c)),
    [true, true, true],
  );
  assert.deepEqual(picture(late), picture(f.nft.snapshotSync()));
  const [one, , three] = commits;
  assert.ok(one !== undefined && three !== undefined);
  assert.deepEqual([early.apply(one), early.apply(three), early.apply(three)], [true, false, false]);
});
