// Where rules go: at the ends, beside each other within a transaction, by handle, by index; replace, rename, flush, delete.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressions, Nftables, type NftTransaction } from '../../lib/index.ts';
import { addChains, chainNamed, failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

const place = (more: object, comment?: string) => ({ rule: { ...ruleNamed(comment ?? 'x').rule, ...more } });
const named = (more: object) => ({ rule: { family: 'ip', table: 't', chain: 'c', ...more } as const });

/** Chain c with rules a, b, d and the handles of each. */
async function abd(): Promise<{ f: NftFixture; handle: (comment: string) => number }> {
  const f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (const comment of ['a', 'b', 'd']) tx.add(ruleNamed(comment));
  tx.commitSync();
  return { f, handle: (comment) => f.rules().find((r) => r.comment === comment)?.handle as number };
}

test('insert goes first, add last', async () => {
  const { f } = await abd();
  await using _ = f;
  const tx = f.nft.transaction();
  tx.insert(ruleNamed('first'));
  tx.add(ruleNamed('last'));
  await tx.commit();
  assert.deepEqual(f.comments(), ['first', 'a', 'b', 'd', 'last']);
});

test('before and after an operation of the same transaction', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  addChains(tx, 'c');
  const m = tx.add(ruleNamed('m'));
  const z = tx.add(ruleNamed('z'));
  const l = tx.add(ruleNamed('l'), { before: m });
  tx.add(ruleNamed('n'), { after: m });
  tx.add(ruleNamed('k'), { before: l });
  tx.add(ruleNamed('end'), { after: z });
  await tx.commit();
  assert.deepEqual(f.comments(), ['k', 'l', 'm', 'n', 'z', 'end']);
});

test('an operation of another transaction, or both sides, is refused', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  const op = tx.add(ruleNamed('a'));
  for (const at of [{ before: { index: 7 } }, { after: { index: -1 } }, { before: { index: 0.5 } }, { before: op, after: op }]) {
    assert.equal((await failureOf(() => tx.add(ruleNamed('b'), at))).code, 'ERR_INVALID_ARG');
  }
  assert.equal(tx.length, 1);
});

test('by handle: add comes after it, insert before it', async () => {
  const { f, handle } = await abd();
  await using _ = f;
  const tx = f.nft.transaction();
  tx.add(place({ handle: handle('b') }, 'c'));
  tx.insert(place({ handle: BigInt(handle('a')) }, 'before a'));
  await tx.commit();
  assert.deepEqual(f.comments(), ['before a', 'a', 'b', 'c', 'd']);
});

test('by index: add comes after it, insert before it, replace and delete mean it', async () => {
  const { f } = await abd();
  await using _ = f;
  const run = async (build: (tx: NftTransaction) => void): Promise<void> => {
    const tx = f.nft.transaction();
    build(tx);
    await tx.commit();
  };
  await run((tx) => tx.add(place({ index: 1 }, 'c')));
  assert.deepEqual(f.comments(), ['a', 'b', 'c', 'd']);
  await run((tx) => tx.insert(place({ index: 3 }, 'before d')));
  assert.deepEqual(f.comments(), ['a', 'b', 'c', 'before d', 'd']);
  await run((tx) => tx.replace(place({ index: 0 }, 'A')));
  assert.deepEqual(f.comments(), ['A', 'b', 'c', 'before d', 'd']);
  await run((tx) => tx.delete(named({ index: 3 })));
  assert.deepEqual(f.comments(), ['A', 'b', 'c', 'd']);
  const tx = f.nft.transaction();
  tx.delete(named({ index: 3 }));
  tx.commitSync();
  assert.deepEqual(f.comments(), ['A', 'b', 'c']);
});

test('an index that is not there: ENOENT, and nothing is sent', async () => {
  const { f } = await abd();
  await using _ = f;
  for (const mode of ['commit', 'commitSync'] as const) {
    const tx = f.nft.transaction();
    tx.add(ruleNamed('never'));
    tx.delete(named({ index: 3 }));
    const err = await failureOf(() => tx[mode]());
    assert.deepEqual([err.code, err.outcome], ['ENOENT', 'not-applied']);
    assert.match(err.message, /no rule at index 3 in chain ip t c, which has 3; nothing was sent/);
  }
  assert.deepEqual(f.comments(), ['a', 'b', 'd']);
});

test('places are looked up anew when somebody commits in between', async () => {
  // Each of two connections deletes the first rule five times: what one looked up, the other may have deleted meanwhile.
  const EACH = 5;
  await using f = await NftFixture.withChains('c');
  await using second = await Nftables.open({ netns: f.ns.path });
  const fill = f.nft.transaction();
  for (let i = 0; i < 2 * EACH; i++) fill.add(ruleNamed(`${i}`));
  fill.commitSync();
  const deleteFirst = async (nft: Nftables): Promise<void> => {
    for (let i = 0; i < EACH; i++) {
      const tx = nft.transaction();
      tx.delete(named({ index: 0 }));
      await tx.commit();
    }
  };
  await Promise.all([deleteFirst(f.nft), deleteFirst(second)]);
  assert.deepEqual(f.comments(), []);
});

test('a refusal names the operation, also when places were looked up', async () => {
  const { f } = await abd();
  await using _ = f;
  const tx = f.nft.transaction();
  tx.delete(named({ index: 0 }));
  tx.add(ruleNamed('bad', 'nochain'));
  const err = await failureOf(() => tx.commit());
  assert.deepEqual([err.code, err.operation?.index, err.operation?.path], ['ENOENT', 1, 'chain']);
  assert.deepEqual(f.comments(), ['a', 'b', 'd']);
});

test('replace keeps handle and place, and the counters begin anew', async () => {
  const { f, handle } = await abd();
  await using _ = f;
  const h = handle('b');
  const seed = f.nft.transaction();
  seed.replace(place({ handle: h, expressions: [expressions.counter({ packets: 7n, bytes: 8n })] }, 'b'));
  seed.commitSync();
  assert.deepEqual(f.nft.snapshotSync().rules({ comment: 'b' }).next().value.counter, { packets: 7n, bytes: 8n });
  const tx = f.nft.transaction();
  tx.replace(place({ handle: h }, 'B'));
  await tx.commit();
  assert.deepEqual(f.comments(), ['a', 'B', 'd']);
  assert.equal(handle('B'), h);
  assert.deepEqual(f.nft.snapshotSync().rules({ comment: 'B' }).next().value.counter, { packets: 0n, bytes: 0n });
});

test('replace and delete need to know which rule', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (const call of [() => tx.replace(ruleNamed('x')), () => tx.delete(named({})), () => tx.destroy(named({}))]) {
    const err = await failureOf(call);
    assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', 'handle']);
  }
});

test('rename by name and by handle keeps the rules; a name taken or missing is an error', async () => {
  const { f } = await abd();
  await using _ = f;
  const rename = (which: { name: string } | { handle: bigint }, newname: string): Promise<unknown> => {
    const tx = f.nft.transaction();
    tx.rename({ chain: { family: 'ip', table: 't', ...which, newname } });
    return tx.commit();
  };
  await rename({ name: 'c' }, 'e');
  assert.deepEqual(f.comments('e'), ['a', 'b', 'd']);
  const handle = f.nft.snapshotSync().table('ip', 't')?.chain('e')?.handle as bigint;
  await rename({ handle }, 'c');
  assert.deepEqual(f.comments('c'), ['a', 'b', 'd']);
  const other = f.nft.transaction();
  other.add(chainNamed('other'));
  other.commitSync();
  assert.equal((await failureOf(() => rename({ name: 'c' }, 'other'))).code, 'EEXIST');
  const err = await failureOf(() => rename({ name: 'nowhere' }, 'x'));
  assert.deepEqual([err.code, err.outcome, err.operation?.index, err.operation?.path], ['ENOENT', 'not-applied', 0, 'name']);
  assert.match(err.message, /no chain ip t nowhere/);
  assert.deepEqual(f.comments('c'), ['a', 'b', 'd']);
});

test('flush empties a chain or a table and leaves the chains', async () => {
  await using f = await NftFixture.withChains('c', 'd');
  const fill = f.nft.transaction();
  for (const chain of ['c', 'd']) for (const comment of ['1', '2']) fill.add(ruleNamed(comment, chain));
  fill.commitSync();
  const one = f.nft.transaction();
  one.flush(chainNamed('c'));
  await one.commit();
  assert.deepEqual([f.comments('c'), f.comments('d')], [[], ['1', '2']]);
  const all = f.nft.transaction();
  all.flush(tableT);
  all.add(ruleNamed('new', 'd'));
  await all.commit();
  assert.deepEqual([f.comments('c'), f.comments('d')], [[], ['new']]);
  assert.equal(f.nft.snapshotSync().table('ip', 't')?.chains.length, 2);
});

test('delete by handle: a rule, a chain, a table', async () => {
  const { f, handle } = await abd();
  await using _ = f;
  const t = f.nft.snapshotSync().table('ip', 't');
  const rule = f.nft.transaction();
  rule.delete(named({ handle: handle('a') }));
  rule.commitSync();
  assert.deepEqual(f.comments(), ['b', 'd']);
  const chain = f.nft.transaction();
  chain.flush(chainNamed('c'));
  chain.delete({ chain: { family: 'ip', table: 't', handle: t?.chain('c')?.handle as bigint } });
  chain.commitSync();
  assert.equal(f.nft.snapshotSync().table('ip', 't')?.chains.length, 0);
  const table = f.nft.transaction();
  table.delete({ table: { family: 'ip', handle: t?.handle as bigint } });
  table.commitSync();
  assert.equal(f.listing(), '');
});

test('what is named goes before a handle that is another’s', async () => {
  await using f = await NftFixture.withChains('c', 'd');
  const other = f.nft.snapshotSync().table('ip', 't')?.chain('d')?.handle as bigint;
  const tx = f.nft.transaction();
  tx.delete({ chain: { family: 'ip', table: 't', name: 'c', handle: other } });
  await tx.commit();
  assert.deepEqual(
    f.nft
      .snapshotSync()
      .table('ip', 't')
      ?.chains.map((c) => c.name),
    ['d'],
  );
});

test('a place, a new name or another transaction’s operation that would mean nothing is refused', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  const first = tx.add(ruleNamed('1', 'c'));
  const other = f.nft.transaction().add(ruleNamed('2', 'c'));
  const rule = (ruleNamed('3', 'c') as { rule: object }).rule;
  for (const [path, attempt] of [
    ['at', () => tx.add(chainNamed('d'), { after: first })],
    ['at', () => tx.add(ruleNamed('3', 'c'), { before: other })],
    ['at', () => tx.add({ rule: { ...rule, handle: 1n } } as never, { before: first })],
    ['newname', () => tx.add({ chain: { family: 'ip', table: 't', name: 'd', newname: 'e' } })],
    ['counter', () => tx.add({ rule: { ...rule, counter: { packets: 1n, bytes: 1n } } } as never)],
  ] as const) {
    const err = await failureOf(attempt);
    assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', path]);
  }
  const result = await tx.commit();
  assert.equal(result.handle(other), undefined);
  assert.deepEqual(f.comments('c'), ['1']);
  for (const generation of [0, -1, 1.5, '7']) {
    assert.throws(() => f.nft.transaction({ generation: generation as number }), { code: 'ERR_INVALID_ARG' });
  }
});
