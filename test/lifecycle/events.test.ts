// The life of a subscription: what ends it, what it keeps alive, and what happens when the process ends around it.
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Nftables, type NftEvent } from '../../lib/index.ts';
import { noLeakCheck, programOutput, runProgram } from '../support/child.ts';
import { compileC } from '../support/compile-c.ts';
import { commitMark, nextCommit } from '../support/events.ts';
import { root } from '../support/fixtures.ts';
import { TestNamespace, withNamespace } from '../support/namespace.ts';
import { addChains, failureOf, NftFixture, ruleNamed } from '../support/nft.ts';

const over = { done: true, value: undefined };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const descriptors = (): number => readdirSync('/proc/self/fd').length;

/** Turns of the event loop until the descriptors are so few: sockets of events are closed on their own thread. */
async function untilDescriptors(count: number): Promise<void> {
  while (descriptors() > count) await turn();
}

test('close() ends a waiting next(), and the iteration stays ended', async () => {
  await using f = await NftFixture.create();
  const events = f.nft.events();
  const waiting = [events.next(), events.next()];
  await events.close();
  assert.deepEqual(await Promise.all(waiting), [over, over]);
  assert.deepEqual(await events.next(), over);
  await events.close();
  assert.deepEqual(await events.return?.(), over);
});

test('leaving the loop closes, and queued events are gone with it', async () => {
  await using f = await NftFixture.create();
  const events = f.nft.events();
  for (const name of ['a', 'b', 'c']) commitMark(f.nft, name);
  let seen = 0;
  for await (const event of events) {
    assert.equal(event.kind, 'commit');
    if (++seen === 2) break;
  }
  assert.deepEqual(await events.next(), over);
});

test('closing the connection ends its subscriptions; a new one is refused', async () => {
  for (const how of ['close', 'closeSync'] as const) {
    await withNamespace(async (ns) => {
      const nft = await Nftables.open({ netns: ns.path });
      const one = nft.events();
      const two = nft.events();
      const waiting = one.next();
      await nft[how]();
      assert.deepEqual([await waiting, await two.next()], [over, over]);
      assert.equal((await failureOf(() => nft.events())).code, 'ERR_CLOSED');
    });
  }
});

test('an abort ends the iteration, before and while it waits', async () => {
  await using f = await NftFixture.create();
  const controller = new AbortController();
  const events = f.nft.events({ signal: controller.signal });
  commitMark(f.nft, 'a');
  const seen: NftEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    setImmediate(() => controller.abort());
  }
  assert.equal(seen.length, 1);
  const late = f.nft.events({ signal: controller.signal });
  assert.deepEqual(await late.next(), over);
  await late.close();
});

test('await using closes its socket, forgotten ones close when collected with their connection', async () => {
  await using f = await NftFixture.create();
  {
    await using events = f.nft.events();
    commitMark(f.nft, 'a');
    await nextCommit(events);
  }
  const before = descriptors();
  for (let i = 0; i < 50; i++) {
    await using _ = f.nft.events();
  }
  await untilDescriptors(before);
});

test('a vanished namespace ends the iteration: its process ended', async () => {
  const ns = await TestNamespace.create();
  await using nft = await Nftables.open({ netns: { pid: ns.pid } });
  const events = nft.events();
  commitMark(nft, 'a');
  await nextCommit(events);
  const failure = failureOf(() => events.next());
  await ns.close();
  const err = await failure;
  assert.equal(err.code, 'ERR_NAMESPACE_GONE');
  assert.ok(err.message.includes(String(ns.pid)), err.message);
  assert.deepEqual(await events.next(), over);
});

test('a vanished namespace: its path leads to another one now, or nowhere, while nobody waited', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nflink-netns-'));
  const path = join(folder, 'blue');
  const [first, second] = [await TestNamespace.create(), await TestNamespace.create()];
  try {
    for (const now of ['another', 'a folder', 'nothing']) {
      symlinkSync(first.path, path);
      await using nft = await Nftables.open({ netns: path });
      const events = nft.events();
      commitMark(nft, now);
      await nextCommit(events);
      unlinkSync(path);
      if (now === 'another') symlinkSync(second.path, path);
      if (now === 'a folder') mkdirSync(path);
      assert.equal((await failureOf(() => events.next())).code, 'ERR_NAMESPACE_GONE', now);
      assert.deepEqual(await events.next(), over);
      if (now === 'another') unlinkSync(path);
      if (now === 'a folder') rmdirSync(path);
    }
  } finally {
    rmdirSync(folder);
    await first.close();
    await second.close();
  }
});

test('close() waits for a commit in flight, and every descriptor is closed when it resolves', async () => {
  await using f = await NftFixture.withChains('c');
  const before = descriptors();
  const nft = await Nftables.open({ netns: f.ns.path });
  const tx = nft.transaction();
  for (let i = 0; i < 20_000; i++) tx.add(ruleNamed('x'));
  const commit = tx.commit();
  await turn();
  const closes = Promise.all([nft.close(), nft.close()]);
  await commit;
  await closes;
  assert.equal(descriptors(), before);
  nft.closeSync();
  assert.equal(f.nft.countersSync().length, 20_000);
});

test('30 workers terminated with live subscriptions amid a stream of commits', async () => {
  await withNamespace(async (ns) => {
    assert.equal(await programOutput('events-terminated', [ns.path]), 'terminated 30 workers\n');
  });
});

for (const how of ['idle', 'awaited', 'flooded']) {
  test(`process.exit with a live subscription, ${how}: the exit code is the program's own`, async () => {
    await using f = await NftFixture.withChains('c');
    for (const turns of ['0', '1', '5', '50']) {
      const result = await runProgram('events-exit', [f.ns.path, how, turns], { env: noLeakCheck });
      assert.deepEqual([result.code, result.signal, result.stderr], [7, null, ''], `${how} after ${turns} turns`);
    }
  });
}

test('a forgotten subscription does not keep the process alive', async () => {
  await withNamespace(async (ns) => {
    assert.equal(await programOutput('events-exit', [ns.path, 'forgotten', '0']), 'the end of the program\n');
  });
});

test('an awaited subscription does, until its event comes', async () => {
  await using f = await NftFixture.create();
  const stdout = await programOutput('events-exit', [f.ns.path, 'waiting', '0'], {
    onLine: (line) => {
      if (line === 'waiting') commitMark(f.nft, 'wanted');
    },
  });
  assert.equal(stdout, 'waiting\ngot commit\n');
});

test('subscriptions that nobody holds are closed when collected', async () => {
  await withNamespace(async (ns) => {
    assert.equal(await programOutput('events-forgotten', [ns.path], { nodeFlags: ['--expose-gc'] }), 'collected\n');
  });
});

test('an open connection and a signal keep no subscription that nobody holds', async () => {
  await withNamespace(async (ns) => {
    const stdout = await programOutput('events-forgotten-open', [ns.path], { nodeFlags: ['--expose-gc'] });
    assert.equal(stdout, 'collected true\n');
  });
});

test('two subscriptions, one of them never read: the other goes on', async () => {
  await using f = await NftFixture.create();
  const tx = f.nft.transaction();
  addChains(tx, 'c');
  tx.commitSync();
  await using ignored = f.nft.events();
  await using read = f.nft.events();
  for (let i = 0; i < 200; i++) {
    commitMark(f.nft, `m${i}`);
    assert.equal((await nextCommit(read)).changes.length, 1);
  }
  await ignored.close();
});

test('a subscription closed while a child holds a copy of its socket is never read again', async () => {
  const object = compileC(join(root, 'test', 'lifecycle', 'slow-exec.c'), { shared: true });
  const folder = await mkdtemp(join(tmpdir(), 'nflink-exec-'));
  const [forked, go] = [join(folder, 'forked'), join(folder, 'go')];
  const env = {
    ...noLeakCheck,
    LD_PRELOAD: `${process.env['LD_PRELOAD'] ?? ''} ${object}`.trim(),
    NFLINK_EXEC_FORKED: forked,
    NFLINK_EXEC_GO: go,
  };
  try {
    await withNamespace(async (ns) => {
      assert.equal(await programOutput('events-forked', [ns.path, forked, go], { env }), 'all were read\n');
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});
