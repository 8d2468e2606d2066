// Batches of the size of a whole node's rules: they arrive whole, and lost replies are never taken for a lost commit.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { runSync } from '../../lib/run.ts';
import { failureOf, NftFixture, ruleNamed } from '../support/nft.ts';

test('100,000 rules in one batch', async () => {
  await using f = await NftFixture.withChains('c', 'd');
  const tx = f.nft.transaction();
  for (let i = 0; i < 100_000; i++) tx.add(ruleNamed(`r${i}`, i % 2 === 0 ? 'c' : 'd'));
  const connection = runSync(Connection.open(undefined));
  const fits = connection.canForceBuffers;
  connection.closeSync();
  if (!fits) {
    // In a user namespace no socket takes so much: then the refusal is what there is to see.
    assert.equal((await failureOf(() => tx.commit())).code, 'EMSGSIZE');
    assert.deepEqual(f.comments(), []);
    return;
  }
  const result = await tx.commit();
  const snapshot = await f.nft.snapshot();
  assert.equal(result.generation, snapshot.generation);
  assert.equal(result.handle({ index: 1 }), undefined, 'no handles by default: the echo of a large batch is dear');
  const table = snapshot.table('ip', 't');
  for (const [chain, first] of [
    ['c', 0],
    ['d', 1],
  ] as const) {
    const rules = table?.chain(chain)?.rules ?? [];
    assert.equal(rules.length, 50_000);
    for (const i of [0, 1, 25_000, 49_999]) assert.equal(rules[i]?.comment, `r${2 * i + first}`);
    assert.equal(
      rules.every((r, i) => r.comment === `r${2 * i + first}`),
      true,
    );
  }
});

test('20,000 rules with their handles: all right, and none is given that is wrong', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  const ops = Array.from({ length: 20_000 }, (_, i) => tx.add(ruleNamed(`r${i}`)));
  const result = await tx.commit({ handles: true });
  const { handles } = f.nft.countersSync();
  assert.equal(handles?.length, 20_000);
  assert.equal(
    ops.every((op, i) => result.handle(op) === handles?.[i]),
    true,
  );
});

test('a bad operation at the end of 20,000: nothing is applied, and its index is right', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (let i = 0; i < 20_000; i++) tx.add(ruleNamed(`r${i}`));
  tx.add(ruleNamed('bad', 'nochain'));
  const err = await failureOf(() => tx.commit({ handles: true }));
  assert.deepEqual([err.code, err.outcome, err.operation?.index, err.failures.length], ['ENOENT', 'not-applied', 20_000, 1]);
  assert.deepEqual(f.comments(), []);
});

test('5,000 bad operations: each is reported', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (let i = 0; i < 10_000; i++) tx.add(ruleNamed(`r${i}`, i % 2 === 0 ? 'c' : 'nochain'));
  const err = await failureOf(() => tx.commit());
  assert.equal(err.outcome, 'not-applied');
  assert.deepEqual(
    err.failures.map((e) => e.operation?.index),
    Array.from({ length: 5000 }, (_, i) => 2 * i + 1),
  );
  assert.deepEqual(f.comments(), []);
});
