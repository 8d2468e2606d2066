// Tables in a transaction: flags, comment, and tables that belong to the connection that made them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Nftables, type TableInput } from '../../lib/index.ts';
import { failureOf, NftFixture } from '../support/nft.ts';

function add(nft: Nftables, table: Omit<TableInput, 'family'>): void {
  const tx = nft.transaction();
  tx.add({ table: { family: 'ip', ...table } });
  tx.commitSync();
}
const tables = (nft: Nftables): unknown => nft.snapshotSync().tables.map((t) => [t.name, ...(t.flags ?? [])]);

test('dormant and back', async () => {
  await using f = await NftFixture.create();
  add(f.nft, { name: 't', comment: 'mine' });
  for (const [flags, shown] of [
    ['dormant', ['t', 'dormant']],
    [[], ['t']],
    [['dormant'], ['t', 'dormant']],
    // As nft(8) has it: adding it again without flags makes it active.
    [undefined, ['t']],
  ] as const) {
    add(f.nft, { name: 't', ...(flags === undefined ? {} : { flags }) });
    assert.deepEqual(tables(f.nft), [shown]);
    assert.equal(f.listing().includes('flags dormant'), shown.length === 2);
  }
  assert.equal(f.nft.snapshotSync().tables[0]?.comment, 'mine');
  const err = await failureOf(() => add(f.nft, { name: 't', flags: 'sleepy' }));
  assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', 'flags']);
});

test('userdata beside the comment', async () => {
  await using f = await NftFixture.create();
  add(f.nft, { name: 't', comment: 'mine', userdata: Uint8Array.of(7, 1, 5) });
  assert.equal(f.nft.snapshotSync().tables[0]?.comment, 'mine');
  assert.ok(f.listing().includes('comment "mine"'));
});

test('an owned table is the connection’s alone, and vanishes with it', async () => {
  await using f = await NftFixture.create();
  const owner = await Nftables.open({ netns: f.ns.path });
  add(owner, { name: 'mine', flags: 'owner' });
  add(owner, { name: 'kept', flags: ['owner', 'persist'] });
  add(f.nft, { name: 'other' });
  assert.deepEqual(tables(f.nft), [['mine', 'owner'], ['kept', 'owner', 'persist'], ['other']]);

  const tx = f.nft.transaction();
  tx.add({ chain: { family: 'ip', table: 'mine', name: 'c' } });
  const err = await failureOf(() => tx.commit());
  assert.deepEqual([err.code, err.operation?.path], ['EPERM', 'table']);
  assert.equal((await failureOf(() => add(owner, { name: 'mine' }))).code, 'EOPNOTSUPP', 'its flags cannot change');
  const own = owner.transaction();
  own.add({ chain: { family: 'ip', table: 'mine', name: 'c' } });
  own.commitSync();

  // flush ruleset passes them by.
  const flush = f.nft.transaction();
  flush.flush({ ruleset: {} });
  flush.commitSync();
  assert.deepEqual(tables(f.nft), [
    ['mine', 'owner'],
    ['kept', 'owner', 'persist'],
  ]);

  await owner.close();
  assert.deepEqual(tables(f.nft), [['kept', 'persist']]);
  // An orphan can be taken.
  add(f.nft, { name: 'kept', flags: ['owner', 'persist'] });
  assert.deepEqual(tables(f.nft), [['kept', 'owner', 'persist']]);
});
