// What an event source tells without a turn of the event loop: the generation, and the events that have come.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { EBADF, EBUSY } from '../../lib/errno.ts';
import { type CommitEvent, expressions as e, type NftEvent } from '../../lib/index.ts';
import { GROUP_COMMITS, type NativeConnection, type NativeEventBatch, type NativeEventSource, native, OVERRUN } from '../../lib/native.ts';
import { EventReader } from '../../lib/nftables/events/reader.ts';
import { NFNL_SUBSYS_NFTABLES, NFT_MSG_GETTABLE } from '../../lib/nftables/objects/messages.ts';
import { readGeneration } from '../../lib/nftables/read.ts';
import { runSync } from '../../lib/run.ts';
import { commitMark } from '../support/events.ts';
import { NftFixture, ruleNamed } from '../support/nft.ts';

const MB = 1 << 20;
/** As long as take() waits: only a machine that gives the event thread no time for so long fails a test. */
const LONG = 1000;

class Source {
  readonly connection: NativeConnection;
  readonly native: NativeEventSource;
  readonly #reader: EventReader;

  constructor(f: NftFixture, sizes: { readonly receiveBytes?: number; readonly queueBytes?: number } = {}) {
    const opened = native().openSync(f.ns.path);
    if (opened.failure !== undefined) assert.fail(JSON.stringify(opened.failure));
    this.connection = opened.connection;
    const subscribed = this.connection.subscribe(GROUP_COMMITS, sizes.receiveBytes ?? MB, sizes.queueBytes ?? MB);
    if (subscribed.failure !== undefined) assert.fail(JSON.stringify(subscribed.failure));
    this.native = subscribed.source;
    this.#reader = new EventReader({ port: this.connection.portId, wants: () => true });
  }

  generation(): number {
    const reply = this.native.generation();
    if (reply.failure !== undefined) assert.fail(JSON.stringify(reply.failure));
    return reply.generation;
  }
  read(batch: NativeEventBatch): NftEvent[] {
    this.#reader.push(batch);
    const events: NftEvent[] = [];
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) events.push(event);
    return events;
  }
  /** What is taken until the commit of a generation has come. */
  takeUntil(generation: number): NftEvent[] {
    const events: NftEvent[] = [];
    for (;;) {
      const batch = this.native.take(LONG);
      assert.ok(batch !== undefined, `generation ${generation} does not come after ${words(events)}`);
      events.push(...this.read(batch));
      const last = events.at(-1);
      if (last?.kind === 'commit' && last.generation === generation) return events;
    }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    this.native.close();
    await this.connection.close();
  }
}

/** `add table first`, or `overrun`. */
function words(events: readonly NftEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.kind !== 'commit') return [event.kind];
    return (event as CommitEvent).changes.map(({ verb, object }) => {
      const [[kind, o] = ['', {}]] = Object.entries(object as Record<string, { name?: string; comment?: string }>);
      return `${verb} ${kind} ${o.name ?? o.comment ?? ''}`;
    });
  });
}

test('a commit of the real nft is in generation() at once, and in take() right after', async () => {
  await using f = await NftFixture.create();
  await using source = new Source(f);
  assert.equal(source.native.take(0), undefined, 'nothing has come yet');
  let before = source.generation();
  assert.equal(source.generation(), before);
  for (const name of ['first', 'second', 'third']) {
    f.must('nft', ['add', 'table', 'ip', name]);
    assert.equal(source.generation(), before + 1);
    const events = source.takeUntil(before + 1);
    assert.deepEqual(words(events), [`add table ${name}`]);
    assert.deepEqual(
      events.map((event) => [(event as CommitEvent).process, (event as CommitEvent).own]),
      [['nft', false]],
    );
    assert.equal(source.native.take(0), undefined, 'what was taken does not come again');
    before++;
  }
});

test('a pull that waits does not see what take() takes, and gets what comes later', async () => {
  await using f = await NftFixture.create();
  await using source = new Source(f);
  for (const round of [1, 2, 3]) {
    let pulled: NativeEventBatch | undefined;
    const answer = new Promise<void>((resolve) => {
      source.native.pull((batch) => {
        pulled = batch;
        resolve();
      });
    });
    assert.throws(() => source.native.pull(() => {}), /not answered/);
    f.must('nft', ['add', 'table', 'ip', `taken${round}`]);
    assert.deepEqual(words(source.takeUntil(source.generation())), [`add table taken${round}`]);
    // The event thread has called for the pull meanwhile, in vain.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(pulled, undefined);
    f.must('nft', ['add', 'table', 'ip', `pulled${round}`]);
    await answer;
    assert.ok(pulled !== undefined);
    assert.deepEqual(words(source.read(pulled)), [`add table pulled${round}`]);
  }
});

test('take() within the callback of a pull, and a pull after it', async () => {
  await using f = await NftFixture.create();
  await using source = new Source(f);
  const seen: string[] = [];
  const pull = (): Promise<void> =>
    new Promise((resolve, reject) => {
      source.native.pull((batch) => {
        try {
          seen.push(...words(source.read(batch)));
          f.must('nft', ['add', 'table', 'ip', `in${seen.length}`]);
          seen.push(...words(source.takeUntil(source.generation())));
          resolve();
        } catch (err) {
          reject(err);
        }
      });
    });
  for (const name of ['a', 'b']) {
    const pulled = pull();
    f.must('nft', ['add', 'table', 'ip', name]);
    await pulled;
  }
  assert.deepEqual(seen, ['add table a', 'add table in1', 'add table b', 'add table in3']);
});

test('a large commit is taken whole, in as many batches as it comes in', async () => {
  await using f = await NftFixture.withChains('c');
  await using source = new Source(f, { receiveBytes: 64 * MB, queueBytes: 64 * MB });
  const tx = f.nft.transaction();
  for (let i = 0; i < 20_000; i++) tx.add(ruleNamed(`r${i}`));
  const { generation } = tx.commitSync();
  assert.equal(source.generation(), generation);
  assert.deepEqual(
    words(source.takeUntil(generation as number)),
    Array.from({ length: 20_000 }, (_, i) => `add rule r${i}`),
  );
});

test("generation() is the connection's, and needs none of its sockets", async () => {
  await using f = await NftFixture.withChains('c');
  await using source = new Source(f);
  const { connection } = source;
  const other = runSync(Connection.open(f.ns.path));
  assert.equal(source.generation(), runSync(readGeneration(other)).generation);
  other.closeSync();
  const tables = [(NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETTABLE, 0, new Uint8Array(0), 1] as const;
  const commit = connection.commit(new Uint8Array(0), new Uint32Array(0), 0, 0);
  const dump = connection.dump(...tables);
  assert.equal(connection.dumpSync(...tables).failure?.errno, EBUSY);
  const now = source.generation();
  await Promise.all([commit, dump]);
  await connection.close();
  assert.equal(source.generation(), now, 'the source outlives its connection');
  commitMark(f.nft, 'later');
  assert.equal(source.generation(), now + 1);
  assert.deepEqual(words(source.takeUntil(now + 1)), ['add table later']);
});

test('what the queue did not hold is marked in what is taken, and then events come again', async () => {
  await using f = await NftFixture.withChains('c');
  let mark = 0;
  for (const what of ['queueBytes', 'receiveBytes'] as const) {
    await using source = new Source(f, { [what]: 4096 });
    const tx = f.nft.transaction();
    for (let i = 0; i < 5000; i++) tx.add(ruleNamed('x', 'c', [e.counter()]));
    tx.commitSync();
    const seen: number[] = [];
    while (!seen.includes(OVERRUN)) {
      const batch = source.native.take(LONG);
      assert.ok(batch !== undefined, `no word of what ${what} cost`);
      seen.push(...batch.index);
    }
    if (what === 'queueBytes') assert.equal(seen.at(-1), OVERRUN, 'it stands at the end until it is taken');
    // A mark may itself be lost, as long as the thread has not emptied the socket.
    let events: string[] = [];
    while (!events.some((w) => w.startsWith('add table mark'))) {
      commitMark(f.nft, `mark${mark++}`);
      const batch = source.native.take(LONG);
      assert.ok(batch !== undefined, what);
      events = words(source.read(batch));
    }
  }
});

test('a closed source has nothing and says so, however long it may wait', async () => {
  await using f = await NftFixture.create();
  await using source = new Source(f);
  f.must('nft', ['add', 'table', 'ip', 'untaken']);
  source.native.close();
  assert.equal(source.native.take(0), undefined);
  assert.equal(source.native.take(LONG), undefined);
  assert.deepEqual(source.native.generation(), { failure: { call: 'generation', errno: EBADF } });
});

test('arguments that are none', async () => {
  await using f = await NftFixture.create();
  await using source = new Source(f);
  const { native: own } = source;
  for (const bad of [-1, 1001, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => own.take(bad), { name: 'RangeError', code: 'ERR_OUT_OF_RANGE' }, `${bad}`);
  for (const bad of [undefined, null, '1', {}, 1n])
    assert.throws(() => own.take(bad as number), { name: 'TypeError', code: 'ERR_INVALID_ARG_TYPE' }, `${bad}`);
  for (const self of [undefined, {}, source.connection]) {
    assert.throws(() => own.take.call(self as never, 0), TypeError);
    assert.throws(() => own.generation.call(self as never), TypeError);
  }
  commitMark(f.nft, 'mark');
  assert.ok(own.take(1000) !== undefined, 'the longest wait is none that is refused');
});
