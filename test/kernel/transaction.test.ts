// A transaction is applied as a whole or not at all, and says which operations the kernel refused, where and why.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { expressions, NetfilterError } from '../../lib/index.ts';
import { Batch } from '../../lib/nftables/batch.ts';
import { families, NFT_MSG_NEWTABLE, NLM_F_CREATE } from '../../lib/nftables/objects/messages.ts';
import { tableTable } from '../../lib/nftables/objects/table.ts';
import { sendBatch } from '../../lib/nftables/send.ts';
import { runSync } from '../../lib/run.ts';
import { addChains, chainNamed, failureOf, NftFixture, ruleNamed, tableT } from '../support/nft.ts';

const { counter, jump, lookup, payload } = expressions;

for (const mode of ['async', 'sync'] as const) {
  test(`100 operations with two bad ones: nothing is applied, both are reported (${mode})`, async () => {
    await using f = await NftFixture.create();
    const tx = f.nft.transaction();
    addChains(tx, 'c');
    for (let i = 2; i < 100; i++) {
      if (i === 40) tx.add(ruleNamed('no set', 'c', [counter(), payload('network', 12, 4), lookup('nowhere')]));
      else if (i === 70) tx.add(ruleNamed('no chain', 'nochain'));
      else tx.add(ruleNamed(`r${i}`));
    }
    assert.equal(tx.length, 100);
    const err = await failureOf(() => (mode === 'sync' ? tx.commitSync() : tx.commit()));
    assert.equal(err.outcome, 'not-applied');
    assert.deepEqual(
      err.failures.map((e) => [e.code, e.errno, e.outcome, e.operation?.index, e.operation?.verb, e.operation?.path]),
      [
        ['ENOENT', -2, 'not-applied', 40, 'add', 'expressions[2]'],
        ['ENOENT', -2, 'not-applied', 70, 'add', 'chain'],
      ],
    );
    assert.deepEqual(err.failures[1]?.operation?.object, ruleNamed('no chain', 'nochain'));
    assert.equal(err.operation?.index, 40);
    assert.match(
      err.message,
      /operation 40 \(add rule ip t c\) at expressions\[2\]: no such file or directory \(ENOENT\).*nothing was applied.*1 more of 100/,
    );
    assert.equal(f.listing(), '');
  });
}

test("the kernel's own sentence is passed on, with the path", async () => {
  await using f = await NftFixture.create();
  // nflink refuses such a name itself; as raw bytes it reaches the kernel's attribute policy, which has a sentence for it.
  const batch = new Batch();
  tableTable.encode(batch.writer, { unknown: [{ index: 0, type: 1, data: new Uint8Array(300).fill(0x61) }] });
  batch.push(
    { type: NFT_MSG_NEWTABLE, flags: NLM_F_CREATE, family: families.ip },
    { verb: 'add', object: { table: { family: 'ip', name: 'aaa' } } },
  );
  const connection = runSync(Connection.open(f.ns.path));
  const err = await failureOf(() => connection.runSync('commit', () => sendBatch(connection, batch, {}), true));
  connection.closeSync();
  assert.deepEqual([err.errno < 0, err.outcome, err.operation?.index, err.operation?.path], [true, 'not-applied', 0, 'name']);
  assert.match(err.kernelMessage ?? '', /policy validation/);
  assert.ok(err.message.includes(err.kernelMessage ?? '-'));
});

test('one bad operation: the error itself is the failure', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  tx.add(ruleNamed('good'));
  tx.add(ruleNamed('bad', 'c', [jump('nowhere')]));
  const err = await failureOf(() => tx.commit());
  assert.deepEqual(err.failures, [err]);
  assert.deepEqual([err.code, err.operation?.index], ['ENOENT', 1]);
  assert.deepEqual(f.comments(), []);
});

test('input that cannot be written throws from the verb, names the path, and the transaction goes on without it', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  tx.add(ruleNamed('one'));
  const err = await failureOf(() => tx.add(ruleNamed('bad', 'c', [counter(), { type: 'meta', key: 'nonsense' as never, dreg: 1 }])));
  assert.deepEqual(
    [err.code, err.outcome, err.operation?.index, err.operation?.path],
    ['ERR_INVALID_ARG', 'not-applied', 1, 'rule.expressions[1].key'.replace('rule.', '')],
  );
  assert.match(err.message, /unknown word "nonsense".*nothing was sent/);
  await failureOf(() => tx.add({ rule: { family: 'ip', table: 't', chain: 'c' } }));
  await failureOf(() => tx.add({ rule: { family: 'ip4' as never, table: 't', chain: 'c', expressions: [] } }));
  await failureOf(() => tx.add({ table: { family: 'ip', name: 'x'.repeat(256) } }));
  await failureOf(() => tx.add({ nonsense: {} } as never));
  await failureOf(() => tx.add({} as never));
  await failureOf(() => tx.add({ ...ruleNamed('x'), ...tableT } as never));
  assert.equal(tx.length, 1);
  tx.add(ruleNamed('two'));
  await tx.commit();
  assert.deepEqual(f.comments(), ['one', 'two']);
});

test('a pair of object and verb that does not exist says so', async () => {
  await using f = await NftFixture.withChains('c');
  const tx = f.nft.transaction();
  for (const call of [
    () => tx.rename({ table: { family: 'ip', name: 't' } }),
    () => tx.insert(chainNamed('c')),
    () => tx.replace(tableT),
    () => tx.flush(ruleNamed('x')),
    () => tx.reset({ limit: { family: 'ip', table: 't', name: 'l' } }),
    () => tx.rename({ set: { family: 'ip', table: 't', name: 's', type: 'ipv4_addr' } }),
  ]) {
    const err = await failureOf(call);
    assert.equal(err.code, 'ERR_NOT_SUPPORTED', err.message);
  }
  assert.equal(tx.length, 0);
});

test('check finds the same errors, changes nothing, and leaves the transaction open', async () => {
  await using f = await NftFixture.withChains('c');
  const before = f.listing();
  const bad = f.nft.transaction();
  bad.add(ruleNamed('good'));
  bad.add(ruleNamed('bad', 'nochain'));
  for (const call of [() => bad.check(), () => bad.checkSync()]) {
    const err = await failureOf(call);
    assert.deepEqual([err.code, err.operation?.index, err.operation?.path, err.outcome], ['ENOENT', 1, 'chain', 'not-applied']);
    assert.match(err.message, /^check: /);
  }
  assert.equal(f.listing(), before);

  const good = f.nft.transaction();
  good.add(ruleNamed('first'));
  await good.check();
  good.checkSync();
  const { generation } = f.nft.snapshotSync();
  assert.equal(f.listing(), before);
  good.add(ruleNamed('second'));
  await good.check();
  assert.equal(f.nft.snapshotSync().generation, generation);
  await good.commit();
  assert.deepEqual(f.comments(), ['first', 'second']);
});

test('a transaction is committed once', async () => {
  await using f = await NftFixture.withChains('c');
  for (const first of ['commit', 'commitSync'] as const) {
    const tx = f.nft.transaction();
    tx.add(ruleNamed(first));
    await tx[first]();
    for (const again of [() => tx.commit(), () => tx.commitSync(), () => tx.check(), () => tx.add(ruleNamed('late'))]) {
      assert.equal((await failureOf(again)).code, 'ERR_TRANSACTION_DONE');
    }
  }
  assert.deepEqual(f.comments(), ['commit', 'commitSync']);
});

test('an empty transaction is no error and makes no generation', async () => {
  await using f = await NftFixture.withChains('c');
  const before = f.nft.snapshotSync().generation;
  await f.nft.transaction().commit();
  f.nft.transaction().commitSync();
  assert.equal(f.nft.snapshotSync().generation, before);
});

test('echoed handles are the handles of the dump and of nft', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  const [table, c, d] = addChains(tx, 'c', 'd');
  const rules = Array.from({ length: 50 }, (_, i) => tx.add(ruleNamed(`r${i}`, i % 2 === 0 ? 'c' : 'd')));
  const gone = tx.destroy(chainNamed('nowhere'));
  const result = await tx.commit();
  const snapshot = f.nft.snapshotSync();
  assert.equal(result.generation, snapshot.generation);
  const t = snapshot.table('ip', 't');
  assert.ok(table && c && d && t);
  assert.equal(result.handle(table), t.handle);
  assert.equal(result.handle(c), t.chain('c')?.handle);
  assert.equal(result.handle(d), t.chain('d')?.handle);
  const dumped = new Map([...snapshot.rules()].map((r) => [r.comment, r.handle]));
  const listed = new Map([...f.rules('c'), ...f.rules('d')].map((r) => [r.comment, BigInt(r.handle)]));
  assert.equal(dumped.size, 50);
  for (const [i, op] of rules.entries()) {
    assert.equal(typeof result.handle(op), 'bigint');
    assert.equal(result.handle(op), dumped.get(`r${i}`));
    assert.equal(result.handle(op), listed.get(`r${i}`));
  }
  assert.equal(result.handle(gone), undefined);
});

test('without handles none are given, and the generation still is', async () => {
  await using f = await NftFixture.withChains('c');
  for (const mode of ['commit', 'commitSync'] as const) {
    const tx = f.nft.transaction();
    const ops = [tx.add(ruleNamed('first')), tx.add(ruleNamed('second'))];
    const result = await tx[mode]({ handles: false });
    assert.equal(result.handle(ops[1] as never), undefined);
    assert.equal(result.generation, f.nft.snapshotSync().generation);
  }
});

test('a conditional commit after another change is refused with ERESTART, and the change stands', async () => {
  await using f = await NftFixture.withChains('c');
  const { generation } = await f.nft.snapshot();
  assert.equal(typeof generation, 'number');
  const conditional = f.nft.transaction({ generation: generation as number });
  conditional.add(ruleNamed('conditional'));
  f.must('nft', ['add', 'rule', 'ip', 't', 'c', 'counter', 'comment', '"other"']);
  for (const call of [() => conditional.check(), () => conditional.commit()]) {
    const err = await failureOf(call);
    assert.deepEqual([err.code, err.outcome, err.operation], ['ERESTART', 'not-applied', undefined]);
    assert.match(err.message, new RegExp(`no longer at generation ${generation}`));
  }
  assert.deepEqual(f.comments(), ['other']);

  const now = f.nft.transaction({ generation: f.nft.snapshotSync().generation as number });
  now.add(ruleNamed('now'));
  now.commitSync();
  assert.deepEqual(f.comments(), ['other', 'now']);
});

test('create refuses what is there, add does not; delete refuses what is not there, destroy does not', async () => {
  await using f = await NftFixture.withChains('c');
  const before = f.listing();
  const code = async (build: (tx: ReturnType<typeof f.nft.transaction>) => void): Promise<string> => {
    const tx = f.nft.transaction();
    build(tx);
    try {
      await tx.commit();
      return 'applied';
    } catch (err) {
      return (err as NetfilterError).code;
    }
  };
  assert.equal(await code((tx) => tx.create(tableT)), 'EEXIST');
  assert.equal(await code((tx) => tx.create(chainNamed('c'))), 'EEXIST');
  assert.equal(await code((tx) => addChains(tx, 'c')), 'applied');
  assert.equal(await code((tx) => tx.delete(chainNamed('nowhere'))), 'ENOENT');
  assert.equal(await code((tx) => tx.delete({ table: { family: 'ip', name: 'nowhere' } })), 'ENOENT');
  assert.equal(await code((tx) => tx.delete({ rule: { family: 'ip', table: 't', chain: 'c', handle: 4711 } })), 'ENOENT');
  assert.equal(await code((tx) => tx.destroy(chainNamed('nowhere'))), 'applied');
  assert.equal(await code((tx) => tx.destroy({ table: { family: 'ip', name: 'nowhere' } })), 'applied');
  assert.equal(await code((tx) => tx.destroy({ rule: { family: 'ip', table: 't', chain: 'c', handle: 4711 } })), 'applied');
  assert.equal(f.listing(), before);
  assert.equal(await code((tx) => tx.destroy(tableT)), 'applied');
  assert.equal(f.listing(), '');
});

test('a table, a chain and their properties arrive as nft understands them', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  tx.add({ table: { family: 'inet', name: 'x', flags: 'dormant', comment: 'my table' } });
  tx.add({
    chain: {
      family: 'inet',
      table: 'x',
      name: 'in',
      type: 'filter',
      hook: 'input',
      prio: 'filter + 10',
      policy: 'drop',
      comment: 'my chain',
    },
  });
  tx.add({ chain: { family: 'inet', table: 'x', name: 'nat', type: 'nat', hook: 'prerouting', prio: 'dstnat - 5' } });
  tx.add({ chain: { family: 'inet', table: 'x', name: 'plain' } });
  await tx.commit();
  const listing = f.must('nft', ['list', 'ruleset']);
  for (const words of [
    'comment "my table"',
    'flags dormant',
    'comment "my chain"',
    'type filter hook input priority filter + 10; policy drop;',
    'type nat hook prerouting priority dstnat - 5; policy accept;',
    'chain plain {',
  ]) {
    assert.ok(listing.includes(words), `${words} is missing in\n${listing}`);
  }
  const t = f.nft.snapshotSync().table('inet', 'x');
  assert.deepEqual([t?.comment, t?.flags], ['my table', ['dormant']]);
  const chain = t?.chain('in');
  assert.deepEqual([chain?.type, chain?.hook, chain?.prio, chain?.policy, chain?.comment], ['filter', 'input', 10, 'drop', 'my chain']);
  assert.deepEqual([t?.chain('plain')?.hook, t?.chain('plain')?.type], [undefined, undefined]);
});

test('errors are NetfilterError and Error, with the numbers of both', () => {
  const err = new NetfilterError('x', { code: 'ENOENT', errno: 2 });
  assert.ok(err instanceof Error);
  assert.deepEqual([err.errno, err.outcome, err.failures], [-2, 'not-applied', [err]]);
});
