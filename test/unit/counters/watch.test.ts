// Polls at a steady pace, with polls that the test lets go when it likes: nothing here waits for a time to pass, and none is measured but by the
// watch's own clock.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection, Listener } from '../../../lib/connection.ts';
import { ledgerOf } from '../../../lib/counters/ledger.ts';
import type { RuleCounters } from '../../../lib/counters/rows.ts';
import type { CounterSample } from '../../../lib/counters/sample.ts';
import { CounterWatch } from '../../../lib/counters/watch.ts';
import { NetfilterError } from '../../../lib/errors.ts';
import { poll } from '../../support/counter-models.ts';

// A watch nobody waits for keeps no process alive; these tests do.
let alive: NodeJS.Timeout;
before(() => {
  alive = setInterval(() => {}, 1000);
});
after(() => clearInterval(alive));

const refused = (): NetfilterError => new NetfilterError('refused', { code: 'EPERM', errno: 1 });

/** A connection that knows nothing but who listens. */
class FakeConnection {
  readonly listeners = new Set<Listener>();
  listen(_: string, listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  close(): void {
    for (const listener of this.listeners) listener.connectionClosed();
  }
  get connection(): Connection {
    return this as unknown as Connection;
  }
}

/** Polls that each wait for `give` or `fail`. */
class Polls {
  made = 0;
  inFlight = 0;
  most = 0;
  readonly starts: number[] = [];
  readonly #waiting: { resolve(c: RuleCounters): void; reject(err: unknown): void }[] = [];
  #begun: (() => void)[] = [];

  readonly poll = async (): Promise<RuleCounters> => {
    this.made++;
    this.starts.push(performance.now());
    this.most = Math.max(this.most, ++this.inFlight);
    for (const tell of this.#begun.splice(0)) tell();
    try {
      return await new Promise<RuleCounters>((resolve, reject) => void this.#waiting.push({ resolve, reject }));
    } finally {
      this.inFlight--;
    }
  };
  async begun(): Promise<void> {
    while (this.#waiting.length === 0) await new Promise<void>((resolve) => void this.#begun.push(resolve));
  }
  async give(c: RuleCounters): Promise<void> {
    await this.begun();
    this.#waiting.shift()?.resolve(c);
  }
  async fail(err: unknown): Promise<void> {
    await this.begun();
    this.#waiting.shift()?.reject(err);
  }
}

const counted = (packets: number, o: { readonly unlocked?: boolean; readonly mark?: number } = {}): RuleCounters =>
  poll([{ name: 'c', rules: [{ content: 1n, packets: BigInt(packets), bytes: 0n }] }], { handles: false, ...o });
const start = (intervalMs = 1, signal?: AbortSignal) => {
  const fake = new FakeConnection();
  const polls = new Polls();
  const watch = new CounterWatch(fake.connection, polls.poll, { intervalMs, ...(signal === undefined ? {} : { signal }) });
  return { fake, polls, watch, ledger: ledgerOf(fake.connection) };
};
async function take(watch: CounterWatch): Promise<CounterSample> {
  const { value, done } = await watch.next();
  assert.equal(done, false);
  return value as CounterSample;
}
const packets = (s: CounterSample): string[] => [...s.deltas].map((d) => `${d.packets}${d.note === undefined ? '' : ` ${d.note}`}`);
/** Until so many intervals of the watch have gone by. */
async function ticksGoBy(count: number): Promise<void> {
  const until = performance.now() + count;
  while (performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 1));
}

test('the first sample has no deltas, the others what was counted since', async () => {
  const { polls, watch } = start();
  await polls.give(counted(100));
  const first = await take(watch);
  assert.deepEqual([packets(first), first.elapsedMs, first.skipped], [[], 0, 0]);
  await polls.give(counted(107));
  const second = await take(watch);
  assert.deepEqual(packets(second), ['7']);
  assert.ok(second.elapsedMs > 0 && second.pollMs >= 0);
  await watch.close();
});

test('a poll that takes long: one at a time, and those that would have been late are counted', async () => {
  const { polls, watch } = start();
  await polls.give(counted(0));
  await take(watch);
  await polls.begun();
  await ticksGoBy(10);
  await polls.give(counted(1));
  await take(watch);
  await polls.give(counted(2));
  const { skipped } = await take(watch);
  assert.ok(skipped >= 5, `${skipped} skipped`);
  assert.equal(polls.most, 1);
  await watch.close();
});

test('a consumer that takes long finds one sample, not a queue, and knows what was left out', async () => {
  const { polls, watch } = start();
  await polls.give(counted(0));
  await ticksGoBy(20);
  assert.equal(polls.made, 1, 'its sample was not taken yet');
  assert.equal((await take(watch)).skipped, 0);
  await polls.give(counted(9));
  const next = await take(watch);
  assert.ok(next.skipped >= 5, `${next.skipped} skipped`);
  assert.deepEqual(packets(next), ['9']);
  await watch.close();
});

test('no drift: each poll begins behind its own tick, counted from the beginning, and none of them twice', async () => {
  const interval = 8;
  const begun = performance.now();
  const { polls, watch } = start(interval);
  let tick = -1;
  for (let i = 0; i < 40; i++) {
    await polls.begun();
    // Now and then one that takes longer than its interval.
    if (i % 7 === 3) await ticksGoBy(2.5 * interval);
    await polls.give(counted(i));
    tick += 1 + (await take(watch)).skipped;
    // The clock of timers has whole milliseconds, and those of the loop's last turn: a timer may be early by so little, never by a tick.
    assert.ok(begun + tick * interval <= (polls.starts[i] as number) + interval / 2, `poll ${i} came before tick ${tick}`);
    if (i > 0)
      assert.ok(
        begun + (tick + 1) * interval >= (polls.starts[i - 1] as number) - interval / 2,
        `tick ${tick} of poll ${i} had gone by with the poll before`,
      );
  }
  await watch.close();
});

test('errors in a row are samples, and the deltas after them reach back to the last good poll', async () => {
  const { polls, watch } = start();
  await polls.give(counted(10));
  await take(watch);
  for (let i = 0; i < 3; i++) {
    await polls.fail(refused());
    const sample = await take(watch);
    assert.deepEqual([sample.error?.code, sample.snapshot, packets(sample)], ['EPERM', undefined, []]);
  }
  await polls.give(counted(15));
  assert.deepEqual(packets(await take(watch)), ['5']);
  await watch.close();
});

test('an error that is no answer of the kernel ends the watch, once', async () => {
  const { polls, watch, ledger } = start();
  const waiting = watch.next();
  await polls.fail(new TypeError('a bug'));
  await assert.rejects(waiting, TypeError);
  assert.equal((await watch.next()).done, true);
  assert.equal(ledger.wanted, false);
  // Nobody was waiting: the next who asks is told.
  const other = start();
  await other.polls.fail(new TypeError('a bug'));
  await new Promise((resolve) => setImmediate(resolve));
  await assert.rejects(other.watch.next(), TypeError);
});

test('aborted before it begins: no poll', async () => {
  const { polls, watch, fake, ledger } = start(1, AbortSignal.abort());
  assert.equal((await watch.next()).done, true);
  await ticksGoBy(5);
  assert.deepEqual([polls.made, fake.listeners.size, ledger.wanted], [0, 0, false]);
});

for (const [how, end] of [
  ['abort', (_: ReturnType<typeof start>, c: AbortController) => c.abort()],
  ['close', (s: ReturnType<typeof start>) => void s.watch.close()],
  ['return', (s: ReturnType<typeof start>) => void s.watch.return()],
  ['a closed connection', (s: ReturnType<typeof start>) => s.fake.close()],
] as const) {
  const over = async (s: ReturnType<typeof start>): Promise<void> => {
    assert.deepEqual([(await s.watch.next()).done, s.ledger.wanted, s.fake.listeners.size], [true, false, 0]);
    const { made } = s.polls;
    await ticksGoBy(5);
    assert.equal(s.polls.made, made, 'no more polls');
  };
  test(`${how}, while somebody waits and a poll is at work: whoever waits is told, the poll's end is nothing`, async () => {
    for (const finish of ['give', 'fail'] as const) {
      const c = new AbortController();
      const s = start(1, c.signal);
      const waiting = [s.watch.next(), s.watch.next()];
      await s.polls.begun();
      end(s, c);
      for (const w of waiting) assert.equal((await w).done, true);
      if (finish === 'give') await s.polls.give(counted(1));
      else await s.polls.fail(new TypeError('too late to matter'));
      await over(s);
    }
  });
  test(`${how}, with a sample that nobody took`, async () => {
    const c = new AbortController();
    const s = start(1, c.signal);
    await s.polls.give(counted(1));
    await new Promise((resolve) => setImmediate(resolve));
    end(s, c);
    await over(s);
    end(s, c);
  });
}

test('for await ends with break, and with the watch', async () => {
  const { polls, watch, ledger } = start();
  void polls.give(counted(0));
  for await (const _ of watch) break;
  assert.equal(ledger.wanted, false);
});

test('an interval that is none is refused, and keeps nothing', () => {
  const fake = new FakeConnection();
  for (const intervalMs of [0, -1, 0.5, Number.NaN, Infinity, 0x80000000, '5' as unknown as number, undefined as unknown as number]) {
    assert.throws(() => new CounterWatch(fake.connection, async () => counted(0), { intervalMs }), { code: 'ERR_INVALID_ARG' });
  }
  assert.deepEqual([fake.listeners.size, ledgerOf(fake.connection).wanted], [0, false]);
});

test("without the lock, counters that went back are somebody's commit at work: the next poll tells", async () => {
  const { polls, watch } = start();
  await polls.give(counted(50));
  await take(watch);
  await polls.give(counted(2, { unlocked: true }));
  assert.deepEqual(packets(await take(watch)), []);
  await polls.give(counted(55));
  assert.deepEqual(packets(await take(watch)), ['5']);
  // A reset is a reset also where nobody ever lets go of the lock.
  const seen: string[] = [];
  for (const n of [3, 4, 6, 7]) {
    await polls.give(counted(n, { unlocked: true }));
    seen.push(...packets(await take(watch)));
  }
  assert.deepEqual(seen, ['6 reset', '1']);
  await watch.close();
});

test('a restore of ours while a poll is at work: what it counted comes with the next', async () => {
  const { polls, watch, ledger } = start();
  await polls.give(counted(50));
  await take(watch);
  const restore = ledger.during(function* () {
    yield { sync: () => undefined, async: async () => undefined };
    ledger.add({ kind: 'restore', place: { family: 'ip', table: 't', chain: 'c' }, counters: [{ packets: 0n, bytes: 0n }] });
  });
  // It begins and ends while one poll is at work; and is at work when another begins.
  await polls.begun();
  restore.next();
  await polls.give(counted(3, { mark: ledger.mark }));
  assert.deepEqual(packets(await take(watch)), []);
  await polls.begun();
  restore.next();
  await polls.give(counted(4, { mark: ledger.mark }));
  assert.deepEqual(packets(await take(watch)), []);
  await polls.give(counted(9, { mark: ledger.mark }));
  assert.deepEqual(packets(await take(watch)), ['9 reset']);
  await polls.give(counted(11, { mark: ledger.mark }));
  assert.deepEqual(packets(await take(watch)), ['2']);
  await watch.close();
});

test('restores of ours without a pause: samples are deferred, and after twenty the comparison begins anew', async () => {
  const { polls, watch, ledger } = start();
  await polls.give(counted(50));
  await take(watch);
  const restore = ledger.during(function* () {
    yield { sync: () => undefined, async: async () => undefined };
  });
  await polls.begun();
  restore.next();
  const deferred: boolean[] = [];
  for (let i = 1; i <= 25; i++) {
    await polls.give(counted(50 + i));
    const sample = await take(watch);
    assert.deepEqual(packets(sample), []);
    deferred.push(sample.deferred === true);
  }
  // What was counted up to the twentieth is in no delta, and that one is what the next are compared with.
  assert.deepEqual(deferred, [...Array(19).fill(true), false, ...Array(5).fill(true)]);
  await polls.begun();
  restore.next();
  await polls.give(counted(80));
  assert.equal((await take(watch)).deferred, true);
  await polls.give(counted(81));
  assert.deepEqual(packets(await take(watch)), ['11']);
  await watch.close();
});

test('more resets than the ledger keeps while nobody took a sample: the comparison begins anew', async () => {
  const { polls, watch, ledger } = start();
  await polls.give(counted(50));
  await take(watch);
  const place = { family: 'ip', table: 't', chain: 'c' } as const;
  const counter = { packets: 1n, bytes: 1n };
  for (let i = 0; i <= 500_000; i++) ledger.add({ kind: 'reset', place, handle: 1n, counter });
  assert.equal(ledger.between(0, ledger.mark).length, 0, 'nothing is kept without end');
  await polls.give(counted(7, { mark: ledger.mark }));
  const sample = await take(watch);
  assert.deepEqual([packets(sample), sample.deferred], [[], undefined]);
  await polls.give(counted(9, { mark: ledger.mark }));
  assert.deepEqual(packets(await take(watch)), ['2']);
  await watch.close();
});
