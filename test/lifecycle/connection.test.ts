// A connection's namespace, its queue, its closing: what is in flight when, and what each call is told.
import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { type NetfilterError, Nftables } from '../../lib/index.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { addChains, chainNamed, failureOf, NftFixture, ruleNamed } from '../support/nft.ts';

const MANY = 20_000;
/** All that is queued in JavaScript has run: native work that was asked for is under way. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function manyRules(f: NftFixture, count = MANY): ReturnType<Nftables['transaction']> {
  const tx = f.nft.transaction();
  for (let i = 0; i < count; i++) tx.add(ruleNamed('x'));
  return tx;
}
async function withManyRules(): Promise<NftFixture> {
  const f = await NftFixture.withChains('c');
  await manyRules(f).commit();
  return f;
}
const tableName = (name: string) => ({ table: { family: 'ip', name } }) as const;

test('a namespace by path, by process and by descriptor is the same', async () => {
  await withNamespace(async (ns) => {
    const fd = openSync(ns.path, 'r');
    for (const [name, netns] of Object.entries({ path: ns.path, pid: { pid: ns.pid }, fd: { fd } })) {
      for (const nft of [await Nftables.open({ netns }), Nftables.openSync({ netns })]) {
        const tx = nft.transaction();
        tx.add(tableName(name));
        await tx.commit();
        await nft.close();
      }
      assert.match(ns.mustSync('nft', ['list', 'tables']), new RegExp(`^table ip ${name}$`, 'm'));
    }
    closeSync(fd);
    // The process's own namespace is another one and has none of it.
    await using own = await Nftables.open();
    assert.equal(own.snapshotSync().tables.length, 0);
  });
});

test('what is no namespace is refused: nothing there, another file, a wrong argument', async () => {
  const file = openSync('/dev/null', 'r');
  for (const [netns, code] of [
    ['/nowhere/at/all', 'ENOENT'],
    ['/dev/null', 'EINVAL'],
    ['/', 'EINVAL'],
    [{ pid: 0x7fffffff }, 'ENOENT'],
    [{ fd: file }, 'EINVAL'],
    [{ fd: 0x7fffffff }, 'EBADF'],
    ['', 'ERR_INVALID_ARG'],
    ['a\0b', 'ERR_INVALID_ARG'],
    [{ pid: 0 }, 'ERR_INVALID_ARG'],
    [{ pid: 1.5 }, 'ERR_INVALID_ARG'],
    [{ fd: -1 }, 'ERR_INVALID_ARG'],
    [{}, 'ERR_INVALID_ARG'],
  ] as [never, string][]) {
    for (const open of [() => Nftables.open({ netns }), () => Nftables.openSync({ netns })]) {
      const err = await failureOf(open);
      assert.equal(err.code, code, `${JSON.stringify(netns)}: ${err.message}`);
      assert.equal(err.outcome, 'not-applied');
    }
  }
  closeSync(file);
});

test('a deleted namespace: an open connection goes on, opening anew is ENOENT', async () => {
  const ns = await TestNamespace.create();
  await using nft = await Nftables.open({ netns: ns.path });
  await nft.snapshot();
  await ns.close();
  for (let i = 0; i < 3; i++) {
    const tx = nft.transaction();
    tx.add(tableName(`t${i}`));
    if (i % 2 === 0) await tx.commit();
    else tx.commitSync();
  }
  assert.deepEqual(
    (await nft.snapshot()).tables.map((t) => t.name),
    ['t0', 't1', 't2'],
  );
  assert.deepEqual(
    nft.snapshotSync().tables.map((t) => t.name),
    ['t0', 't1', 't2'],
  );
  const err = await failureOf(() => Nftables.open({ netns: ns.path }));
  assert.equal(err.code, 'ENOENT');
  assert.ok(err.message.includes(ns.path) && err.message.includes('no such namespace or process'), err.message);
});

test('connections in different namespaces side by side do not mix', async () => {
  const all = await Promise.all(Array.from({ length: 6 }, () => NftFixture.create()));
  await Promise.all(
    all.map(async (f, n) => {
      for (let i = 0; i < 5; i++) {
        const tx = f.nft.transaction();
        tx.add(tableName(`n${n}-${i}`));
        await tx.commit();
        await f.nft.snapshot();
      }
    }),
  );
  for (const [n, f] of all.entries()) {
    assert.deepEqual(
      (await f.nft.snapshot()).tables.map((t) => t.name),
      Array.from({ length: 5 }, (_, i) => `n${n}-${i}`),
    );
  }
  for (const f of all) await f[Symbol.asyncDispose]();
});

test('close amid dumps: every one ends with ERR_CLOSED, none hangs', async () => {
  await using f = await withManyRules();
  for (const turns of [0, 1, 3]) {
    const nft = await Nftables.open({ netns: f.ns.path });
    const calls = [nft.snapshot(), nft.counters(), nft.snapshot(), nft.counters()];
    const ends = Promise.allSettled(calls);
    for (let i = 0; i < turns; i++) await turn();
    await nft.close();
    for (const end of await ends) {
      // What was read before the close may be told; closed at once, nothing was.
      if (end.status === 'rejected') assert.equal((end.reason as NetfilterError).code, 'ERR_CLOSED');
      else assert.ok(turns > 0, 'a dump went on after close');
    }
    for (const call of [
      () => nft.snapshot(),
      () => nft.snapshotSync(),
      () => nft.counters(),
      () => nft.countersSync(),
      () => nft.transaction().commit(),
      () => nft.transaction().checkSync(),
    ]) {
      assert.equal((await failureOf(call)).code, 'ERR_CLOSED');
    }
    await nft.close();
    nft.closeSync();
  }
});

test('close waits for the commit in flight, which is applied', async () => {
  await using f = await NftFixture.withChains('c');
  const nft = await Nftables.open({ netns: f.ns.path });
  const tx = nft.transaction();
  for (let i = 0; i < MANY; i++) tx.add(ruleNamed('x'));
  let settled = false;
  const commit = tx.commit().finally(() => {
    settled = true;
  });
  await turn();
  await nft.close();
  assert.equal(settled, true);
  await commit;
  assert.equal(f.nft.countersSync().length, MANY);
});

test('close before a commit was sent: ERR_CLOSED, nothing applied', async () => {
  await using f = await NftFixture.withChains('c');
  const nft = await Nftables.open({ netns: f.ns.path });
  const txs = Array.from({ length: 3 }, () => {
    const tx = nft.transaction();
    tx.add(ruleNamed('x'));
    return tx.commit();
  });
  const ends = Promise.allSettled(txs);
  await nft.close();
  const applied = (await ends).filter((end) => end.status === 'fulfilled').length;
  for (const end of await ends) {
    if (end.status === 'rejected')
      assert.deepEqual([(end.reason as NetfilterError).code, (end.reason as NetfilterError).outcome], ['ERR_CLOSED', 'not-applied']);
  }
  assert.equal(f.nft.countersSync().length, applied);
});

test('a Sync call while work is in flight on the connection: ERR_BUSY, at once and without effect', async () => {
  await using f = await NftFixture.withChains('c');
  // The queue is taken at the call: no turn of the event loop is needed for the connection to be busy.
  const commit = manyRules(f).commit();
  const other = f.nft.transaction();
  other.add(chainNamed('d'));
  for (const call of [() => other.commitSync(), () => other.checkSync()]) {
    const err = await failureOf(call);
    assert.deepEqual([err.code, err.outcome], ['ERR_BUSY', 'not-applied']);
  }
  await commit;
  // Refused for being early, not spent.
  other.commitSync();
  assert.equal(f.nft.snapshotSync().table('ip', 't')?.chains.length, 2);

  const dump = f.nft.snapshot();
  for (const call of [() => f.nft.snapshotSync(), () => f.nft.countersSync()]) assert.equal((await failureOf(call)).code, 'ERR_BUSY');
  // Another connection is another matter.
  const second = Nftables.openSync({ netns: f.ns.path });
  assert.equal(second.countersSync().length, MANY);
  second.closeSync();
  assert.equal([...(await dump).rules()].length, MANY);
});

test('transactions of one connection are applied in the order they were committed', async () => {
  await using f = await NftFixture.withChains('c');
  const names = Array.from({ length: 30 }, (_, i) => `r${i}`);
  await Promise.all(
    names.map((name) => {
      const tx = f.nft.transaction();
      tx.add(ruleNamed(name));
      return tx.commit();
    }),
  );
  assert.deepEqual(f.comments(), names);
});

test('an abort before sending: AbortError, nothing applied, and the queue goes on', async () => {
  await using f = await NftFixture.withChains('c');
  const aborted = AbortSignal.abort();
  const one = f.nft.transaction();
  one.add(ruleNamed('one'));
  for (const call of [
    () => one.commit({ signal: aborted }),
    () => one.check({ signal: aborted }),
    () => f.nft.snapshot({ signal: aborted }),
    () => f.nft.counters({ signal: aborted }),
    () => Nftables.open({ netns: f.ns.path, signal: aborted }),
  ]) {
    await assert.rejects(call, { name: 'AbortError' });
  }
  // The signal was at fault, not the transaction: it is still open.
  await one.commit();

  const large = manyRules(f).commit();
  const controller = new AbortController();
  const waiting = f.nft.transaction();
  waiting.add(ruleNamed('waiting'));
  const queued = waiting.commit({ signal: controller.signal });
  const last = f.nft.transaction();
  last.add(ruleNamed('last'));
  const after = last.commit();
  controller.abort();
  await assert.rejects(queued, { name: 'AbortError' });
  await Promise.all([large, after]);
  assert.equal([...f.nft.snapshotSync().rules({ comment: 'waiting' })].length, 0);
  assert.deepEqual(f.comments().slice(-1), ['last']);
});

test('an abort after sending changes nothing: the call tells what the kernel did', async () => {
  await using f = await NftFixture.withChains('c');
  const controller = new AbortController();
  const good = manyRules(f).commit({ signal: controller.signal });
  await turn();
  controller.abort();
  assert.equal(typeof (await good).generation, 'number');
  assert.equal(f.nft.countersSync().length, MANY);

  const second = new AbortController();
  const bad = f.nft.transaction();
  for (let i = 0; i < MANY; i++) bad.add(ruleNamed('x'));
  bad.add(ruleNamed('bad', 'nochain'));
  const failing = bad.commit({ signal: second.signal });
  await turn();
  second.abort();
  assert.equal((await failureOf(() => failing)).code, 'ENOENT');
});

test('a conditional lookup and dumps go on while a commit is in flight', async () => {
  await using f = await NftFixture.withChains('c');
  const commit = manyRules(f).commit();
  const seen = (await f.nft.snapshot()).table('ip', 't')?.chain('c')?.rules.length;
  assert.ok(seen === 0 || seen === MANY, `${seen} rules: half a commit was seen`);
  await commit;
  const tx = f.nft.transaction();
  addChains(tx, 'c');
  tx.delete({ rule: { family: 'ip', table: 't', chain: 'c', index: MANY - 1 } });
  await tx.commit();
  assert.equal(f.nft.countersSync().length, MANY - 1);
});
