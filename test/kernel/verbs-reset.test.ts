// Resets beside other operations: when they happen, what they give, and what an error says of the rest.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../lib/connection.ts';
import { expressions, NetfilterError, type ObjectInput, ResetError } from '../../lib/index.ts';
import { Resets } from '../../lib/nftables/reset.ts';
import { runSync } from '../../lib/run.ts';
import { failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

const { counter } = expressions;
const inT = { family: 'ip', table: 't', name: 'o' } as const;
type Words = Readonly<Record<string, unknown>>;

for (const mode of ['commit', 'commitSync'] as const) {
  test(`after the batch, in order, with the others’ handles (${mode})`, async () => {
    await using f = await NftFixture.withChains('c');
    const tx = f.nft.transaction();
    const first = tx.reset({ counter: inT });
    const added = tx.add({ counter: { ...inT, packets: 3, bytes: 4 } });
    const rule = tx.add(ruleNamed('r', 'c', [counter({ packets: 5n, bytes: 6n })]));
    const second = tx.reset({ chain: { family: 'ip', table: 't', name: 'c' } });
    const again = tx.reset({ counter: inT });
    assert.equal(tx.length, 5);
    const result = await tx[mode]();
    assert.equal((result.reset(first) as unknown as Words)['packets'], 3n);
    assert.equal((result.reset(again) as unknown as Words)['packets'], 0n);
    assert.deepEqual((result.reset(second) as readonly { counter?: unknown }[])[0]?.counter, { packets: 5n, bytes: 6n });
    assert.deepEqual([result.reset(added), result.handle(first), result.reset({ index: 0 })], [undefined, undefined, undefined]);
    assert.equal(result.handle(rule), [...f.nft.snapshotSync().rules()][0]?.handle);
    assert.ok(result.handle(added));
  });
}

test('resets alone send no batch and make no generation', async () => {
  await using f = await NftFixture.withChains('c');
  const before = f.nft.snapshotSync().generation;
  const tx = f.nft.transaction();
  const op = tx.reset({ table: { family: 'ip', name: 't' } });
  const result = await tx.commit();
  assert.deepEqual([result.reset(op), result.generation], [[], undefined]);
  assert.equal(f.nft.snapshotSync().generation, before);
  assert.equal((await failureOf(() => tx.commit())).code, 'ERR_TRANSACTION_DONE');
});

test('check does not perform them', async () => {
  await using f = await NftFixture.withChains('c');
  const make = f.nft.transaction();
  make.add({ counter: { ...inT, packets: 3 } });
  make.commitSync();
  const tx = f.nft.transaction();
  const op = tx.reset({ counter: inT });
  await tx.check();
  tx.checkSync();
  assert.equal(((await tx.commit()).reset(op) as unknown as Words)['packets'], 3n);
});

test('a reset that fails: the batch was applied, the other resets too, and their results are there', async () => {
  for (const mode of ['commit', 'commitSync'] as const) {
    await using f = await NftFixture.create();
    const tx = f.nft.transaction();
    const added = tx.add(tableT);
    tx.add({ counter: { ...inT, packets: 3 } });
    const missing = tx.reset({ quota: inT });
    const good = tx.reset({ counter: inT });
    tx.reset({ chain: { family: 'ip', table: 't', name: 'nowhere' } });
    const err = await failureOf(() => tx[mode]());
    assert.ok(err instanceof ResetError);
    assert.deepEqual(
      [err.code, err.outcome, err.operation?.index, err.operation?.verb],
      ['ENOENT', 'partly-applied', missing.index, 'reset'],
    );
    assert.match(err.message, /operation 2 \(reset quota ip t o\).*the other 2 operations were applied/);
    assert.deepEqual(
      err.failures.map((e) => [e.code, e.operation?.index]),
      [
        ['ENOENT', 2],
        ['ENOENT', 4],
      ],
    );
    assert.equal((err.result.reset(good) as unknown as Words)['packets'], 3n);
    assert.ok(err.result.handle(added));
    assert.equal((await failureOf(() => tx[mode]())).code, 'ERR_TRANSACTION_DONE', 'not applied a second time');
  }
});

test('nothing else asked for and nothing reset: not applied', async () => {
  await using f = await NftFixture.withChains('c');
  for (const object of [
    { counter: inT },
    { table: { family: 'ip', name: 'nowhere' } },
    { chain: { family: 'ip', table: 't', name: 'nowhere' } },
    { rule: { family: 'ip', table: 't', chain: 'c', handle: 99 } },
    { rule: { family: 'ip', table: 't', chain: 'c', index: 0 } },
    { set: { ...inT, type: 'ipv4_addr' } },
    { element: { ...inT, elem: ['192.0.2.1'] } },
  ] satisfies ObjectInput[]) {
    const tx = f.nft.transaction();
    tx.reset(object);
    const err = await failureOf(() => tx.commit());
    assert.deepEqual([err.code, err.outcome], ['ENOENT', 'not-applied'], err.message);
  }
});

test('a failing batch performs no reset', async () => {
  await using f = await NftFixture.withChains('c');
  const make = f.nft.transaction();
  make.add({ counter: { ...inT, packets: 3 } });
  make.commitSync();
  const tx = f.nft.transaction();
  tx.reset({ counter: inT });
  tx.create(tableT);
  assert.equal((await failureOf(() => tx.commit())).code, 'EEXIST');
  const [object] = f.nft.snapshotSync().table('ip', 't')?.objects ?? [];
  assert.equal((object as unknown as Words)['packets'], 3n);
});

test('a rule’s quota is reset with its counter, its limit is not', async () => {
  await using f = await NftFixture.withChains('c');
  const quota = { type: 'quota', bytes: 100n, consumed: 7n, flags: [] } as const;
  const limit = { type: 'limit', rate: 10n, unit: 1n, burst: 3, per: 'packets', flags: [] } as const;
  const tx = f.nft.transaction();
  tx.add(ruleNamed('r', 'c', [counter({ packets: 5n, bytes: 6n }), quota, limit]));
  const op = tx.reset({ rule: { family: 'ip', table: 't', chain: 'c', index: 0 } });
  const read = tx.commitSync().reset(op) as { readonly expressions: readonly Words[] };
  assert.deepEqual([read.expressions[0]?.['packets'], read.expressions[1]?.['consumed']], [5n, 7n]);
  const now = [...f.nft.snapshotSync().rules()][0]?.expressions as readonly Words[];
  assert.deepEqual([now[0]?.['packets'], now[1]?.['consumed'], now[2]?.['burst']], [0n, 0n, 3]);
});

test('elements of interval sets and of maps of ranges', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  const counted = (val: unknown): unknown => ({ elem: { val, counter: { packets: 5, bytes: 6 } } });
  const ranges = [counted({ range: ['192.0.2.1', '192.0.2.9'] }), counted({ prefix: { addr: '198.51.100.0', len: 24 } })];
  tx.add({ set: { ...inT, type: 'ipv4_addr', flags: ['interval'], stmt: [{ counter: null }], elem: ranges } } as unknown as ObjectInput);
  const one = tx.reset({ element: { ...inT, elem: [{ range: ['192.0.2.1', '192.0.2.9'] }] } });
  const all = tx.reset({ set: { ...inT, type: 'ipv4_addr' } });
  const result = tx.commitSync();
  assert.deepEqual(result.reset(one), [ranges[0]]);
  assert.deepEqual(result.reset(all), [
    { elem: { val: { range: ['192.0.2.1', '192.0.2.9'] }, counter: { packets: 0, bytes: 0 } } },
    ranges[1],
  ]);

  const wrong = f.nft.transaction();
  wrong.reset({ element: { ...inT, elem: ['2001:db8::1'] } });
  const err = await failureOf(() => wrong.commit());
  assert.deepEqual([err.code, err.outcome], ['ERR_INVALID_ARG', 'not-applied']);
  assert.equal((await failureOf(() => f.nft.transaction().reset({ element: { ...inT, elem: 'x' as never } }))).operation?.path, 'elem');
});

test('a conditional transaction of resets alone looks at the generation', async () => {
  await using f = await NftFixture.withChains('c');
  const { generation } = f.nft.snapshotSync();
  const add = f.nft.transaction();
  add.add({ counter: { ...inT, packets: 3 } });
  add.commitSync();
  const stale = f.nft.transaction({ generation: generation as number });
  stale.reset({ counter: inT });
  const err = await failureOf(() => stale.commit());
  assert.deepEqual([err.code, err.outcome], ['ERESTART', 'not-applied']);
  const now = f.nft.transaction({ generation: f.nft.snapshotSync().generation as number });
  const op = now.reset({ counter: inT });
  assert.equal(((await now.commit()).reset(op) as unknown as Words)['packets'], 3n);
});

test('a reset by dump that is interrupted is not begun again, and says what is lost', () => {
  const dumps: number[] = [];
  const native = {
    requestSync: () => ({ errors: [], data: new Uint8Array([20, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0]).buffer }),
    dumpSync: (_type: number, _family: number, _attributes: Uint8Array, maxRetries: number) => {
      dumps.push(maxRetries);
      return { failure: { call: 'dump', errno: 4 }, data: new ArrayBuffer(0), index: new Uint32Array(0), generation16: -1, retries: 0 };
    },
  };
  const connection = {
    where: 'a test',
    // biome-ignore lint/correctness/useYield: a verb that needs no step
    *on(_lane: string, _what: string, sync: (c: unknown) => unknown) {
      return sync(native);
    },
    check(what: string, failure?: { readonly errno: number }) {
      if (failure !== undefined) throw new NetfilterError(what, { code: 'EINTR', errno: failure.errno });
    },
  } as unknown as Connection;
  const resets = new Resets();
  resets.add({ chain: { family: 'ip', table: 't', name: 'c' } }, 0);
  const perform = (): unknown => runSync(resets.perform(connection, { handle: () => undefined }, 0, () => true));
  assert.throws(perform, (err: unknown) => {
    assert.ok(err instanceof ResetError);
    assert.deepEqual([err.code, err.outcome], ['EINTR', 'partly-applied']);
    assert.match(err.message, /counts it had read are lost/);
    return true;
  });
  assert.deepEqual(dumps, [0]);
});
