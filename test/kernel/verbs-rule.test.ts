// Rules in a transaction: userdata beside the comment, and rules of a snapshot given back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expressions, type NftRule } from '../../lib/index.ts';
import { failureOf, NftFixture, ruleNamed } from '../support/nft.ts';

const { counter, accept } = expressions;
const rules = (f: NftFixture): NftRule[] => [...f.nft.snapshotSync().rules()];
const userdataOf = (r: NftRule | undefined): Uint8Array | undefined => (r as unknown as { userdata?: Uint8Array } | undefined)?.userdata;
/** An entry of userdata. */
const tlv = (type: number, ...bytes: number[]): number[] => [type, bytes.length, ...bytes];
const text = (s: string): number[] => [...Buffer.from(`${s}\0`)];

test('userdata: a comment is put first, or in the place of another, and all else is kept', async () => {
  await using f = await NftFixture.withChains('c');
  const cases: readonly { readonly userdata?: number[]; readonly comment?: string; readonly kept: number[] | undefined }[] = [
    { kept: undefined },
    { comment: 'a', kept: tlv(0, ...text('a')) },
    { userdata: tlv(7, 1, 2), kept: tlv(7, 1, 2) },
    { userdata: tlv(7, 1, 2), comment: 'a', kept: [...tlv(0, ...text('a')), ...tlv(7, 1, 2)] },
    {
      userdata: [...tlv(7, 1), ...tlv(0, ...text('old')), ...tlv(8)],
      comment: 'new one',
      kept: [...tlv(7, 1), ...tlv(0, ...text('new one')), ...tlv(8)],
    },
    { userdata: tlv(0, ...text('x'.repeat(200))), comment: 'x'.repeat(200), kept: tlv(0, ...text('x'.repeat(200))) },
    { userdata: [1, 200, 3], kept: [1, 200, 3] },
    { userdata: new Array<number>(256).fill(0), kept: new Array<number>(256).fill(0) },
  ];
  const tx = f.nft.transaction();
  for (const c of cases) {
    tx.add({
      rule: {
        family: 'ip',
        table: 't',
        chain: 'c',
        expressions: [counter()],
        ...(c.userdata === undefined ? {} : { userdata: Uint8Array.from(c.userdata) }),
        ...(c.comment === undefined ? {} : { comment: c.comment }),
      },
    });
  }
  tx.commitSync();
  assert.deepEqual(
    rules(f).map((r) => userdataOf(r) && [...(userdataOf(r) as Uint8Array)]),
    cases.map((c) => c.kept),
  );
});

test('userdata that cannot be', async () => {
  await using f = await NftFixture.withChains('c');
  const rule = { family: 'ip', table: 't', chain: 'c', expressions: [counter()] } as const;
  for (const [more, path] of [
    [{ userdata: Uint8Array.of(1, 200, 3), comment: 'a' }, 'userdata'],
    [{ userdata: new Uint8Array(256), comment: 'a' }, 'userdata'],
    [{ userdata: new Uint8Array(257) }, 'userdata'],
    [{ userdata: 'text' as never }, 'userdata'],
    [{ comment: 'x'.repeat(129) }, 'comment'],
  ] as const) {
    const err = await failureOf(() => f.nft.transaction().add({ rule: { ...rule, ...more } }));
    assert.deepEqual([err.code, err.operation?.path], ['ERR_INVALID_ARG', path]);
  }
});

test('a rule of a snapshot: deleted, replaced, and the neighbour of others', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (const name of ['1', '2', '3']) tx.add(ruleNamed(name, 'c', [counter({ packets: 4n, bytes: 5n }), accept()]));
  tx.commitSync();
  const [one, two, three] = rules(f) as [NftRule, NftRule, NftRule];

  // add: the same rule again, behind itself. insert: before it.
  const copy = f.nft.transaction();
  copy.add({ rule: one });
  copy.insert({ rule: three });
  copy.commitSync();
  assert.deepEqual(f.comments(), ['1', '1', '2', '3', '3']);
  assert.ok(
    rules(f).every((r) => r.counter?.packets === 4n),
    'with its counts',
  );

  const change = f.nft.transaction();
  change.replace({ rule: two });
  change.delete({ rule: one });
  change.destroy({ rule: three });
  change.commitSync();
  assert.deepEqual(f.comments(), ['1', '2', '3']);
  assert.equal(rules(f)[1]?.handle, two.handle);

  // The kernel finds a rule that the same batch has deleted, and destroy too says ENOENT (nf_tables_delrule_deactivate).
  const twice = f.nft.transaction();
  twice.delete({ rule: two });
  twice.destroy({ rule: two });
  assert.deepEqual([(await failureOf(() => twice.commit())).code, f.comments().length], ['ENOENT', 3]);
});
