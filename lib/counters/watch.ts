// Polls at a steady pace: no drift, none queued. A poll that is late is left out and counted; one that fails is a sample with its error, and the
// next goes on.
import type { Connection, Listener } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Subscription } from '../model/subscription.ts';
import { isThere } from '../namespace-file.ts';
import { RuleDeltas } from './deltas.ts';
import { type CounterLedger, ledgerOf } from './ledger.ts';
import type { RuleCounters } from './rows.ts';
import type { CounterSample } from './sample.ts';
import { UnlockedPolls } from './unlocked.ts';

export interface WatchOptions {
  /** Milliseconds between two polls, from 1. */
  readonly intervalMs: number;
  readonly signal?: AbortSignal;
}

interface Waiting {
  resolve(result: IteratorResult<CounterSample, undefined>): void;
  reject(err: unknown): void;
}

/** Restores of ours without a pause do not hold up deltas for ever. */
const RESTLESS_POLLS = 20;
/** Longest that setTimeout takes. */
export const LONGEST_INTERVAL_MS = 0x7fffffff;

export class CounterWatch implements Subscription<CounterSample>, Listener {
  readonly #intervalMs: number;
  readonly #poll: (signal: AbortSignal) => Promise<RuleCounters>;
  readonly #ledger: CounterLedger;
  readonly #reader: { mark: number };
  readonly #waiting: Waiting[] = [];
  readonly #release: (() => void)[] = [];
  readonly #begun = performance.now();
  #timer: NodeJS.Timeout | undefined;
  /** The number of the tick that comes next; tick n is due n intervals after the beginning. */
  #tick = 0;
  #ready: CounterSample | undefined;
  #last: RuleCounters | undefined;
  #lastAt: number | undefined;
  #skipped = 0;
  #polling = false;
  readonly #unlocked = new UnlockedPolls();
  /** Polls in a row that met restores of ours. */
  #restless = 0;
  readonly #aborted = new AbortController();
  #atWork: Promise<unknown> | undefined;
  #ended = false;
  /** What ended it, until somebody was told. */
  #failure: { readonly err: unknown } | undefined;

  constructor(connection: Connection, poll: (signal: AbortSignal) => Promise<RuleCounters>, o: WatchOptions) {
    const { intervalMs, signal } = o;
    if (typeof intervalMs !== 'number' || !(intervalMs >= 1 && intervalMs <= LONGEST_INTERVAL_MS))
      throw new NetfilterError(`watchCounters: intervalMs ${String(intervalMs)}: 1 to ${LONGEST_INTERVAL_MS} milliseconds`, {
        code: 'ERR_INVALID_ARG',
      });
    this.#intervalMs = intervalMs;
    this.#poll = poll;
    this.#release.push(connection.listen('watchCounters', this));
    this.#ledger = ledgerOf(connection);
    this.#reader = this.#ledger.open();
    if (signal?.aborted === true) {
      this.#end();
      return;
    }
    if (signal !== undefined) {
      const abort = (): void => this.#end();
      signal.addEventListener('abort', abort, { once: true });
      this.#release.push(() => signal.removeEventListener('abort', abort));
    }
    this.#schedule();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  next(): Promise<IteratorResult<CounterSample, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#timer?.ref();
      this.#serve();
    });
  }
  async return(): Promise<IteratorResult<CounterSample, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }
  /** Ends the watch; a poll at work is waited for. */
  async close(): Promise<void> {
    this.#end();
    await this.#atWork;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
  connectionClosed(): void {
    this.#end();
  }

  /** The next tick that lies ahead; those that have gone by are skipped. */
  #schedule(): void {
    const now = performance.now() - this.#begun;
    const due = this.#tick === 0 ? 0 : Math.max(this.#tick, Math.ceil(now / this.#intervalMs));
    this.#skipped += due - this.#tick;
    this.#tick = due;
    this.#timer = setTimeout(() => this.#onTick(), Math.max(0, due * this.#intervalMs - now));
    // A process lives for as long as somebody waits for a sample.
    if (this.#waiting.length === 0) this.#timer.unref();
  }

  #onTick(): void {
    this.#tick++;
    if (this.#polling || this.#ready !== undefined) {
      // The poll before is at work, or its sample was not taken yet.
      this.#skipped++;
      return this.#schedule();
    }
    this.#polling = true;
    this.#atWork = this.#sample().then(
      (sample) => {
        this.#polling = false;
        if (this.#ended) return;
        this.#ready = sample;
        this.#serve();
      },
      (err: unknown) => {
        // Nothing that the kernel refuses: the next poll would not be another.
        if (!this.#ended) this.#failure = { err };
        this.#end();
      },
    );
    this.#schedule();
  }

  async #sample(): Promise<CounterSample> {
    const skipped = this.#skipped;
    this.#skipped = 0;
    const begun = performance.now();
    const since = this.#lastAt === undefined ? 0 : begun - this.#lastAt;
    this.#lastAt = begun;
    const { calm } = this.#ledger;
    try {
      const snapshot = await this.#poll(this.#aborted.signal);
      const deltas = this.#deltas(snapshot, calm !== undefined && calm === this.#ledger.calm);
      const times = { elapsedMs: since, pollMs: performance.now() - begun, skipped };
      return deltas === undefined ? { snapshot, ...times, deltas: [], deferred: true } : { snapshot, ...times, deltas };
    } catch (err) {
      if (!(err instanceof NetfilterError)) throw err;
      return { error: err, elapsedMs: since, pollMs: performance.now() - begun, skipped, deltas: [] };
    }
  }

  /** `calm`: no restore of ours was at work, so that what the ledger says by now is what the poll has seen. Otherwise the next poll tells. */
  #deltas(snapshot: RuleCounters, calm: boolean): CounterSample['deltas'] | undefined {
    const last = this.#last;
    // Restores of ours without end, or samples that nobody took for long: what was counted in between is not known.
    const anew = last !== undefined && (this.#ledger.lacks(last.mark) || (!calm && ++this.#restless >= RESTLESS_POLLS));
    if (!calm && !anew) return undefined;
    if (!anew && this.#unlocked.isUnsure(last, snapshot)) return undefined;
    const deltas = last === undefined || anew ? [] : new RuleDeltas(last, snapshot, this.#ledger);
    this.#restless = 0;
    this.#last = snapshot;
    this.#ledger.advance(this.#reader, snapshot.mark);
    return deltas;
  }

  #serve(): void {
    if (this.#ended) {
      if (this.#failure !== undefined && this.#waiting.length > 0) {
        this.#waiting.shift()?.reject(this.#failure.err);
        this.#failure = undefined;
      }
      for (const { resolve } of this.#waiting.splice(0)) resolve({ done: true, value: undefined });
      return;
    }
    if (this.#ready === undefined) return;
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    const value = this.#ready;
    this.#ready = undefined;
    if (this.#waiting.length === 0) this.#timer?.unref();
    waiting.resolve({ done: false, value });
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#aborted.abort();
    this.#ledger.close(this.#reader);
    for (const release of this.#release) release();
    this.#serve();
  }
}

/** Throws where the namespace that was named by a path or a process is gone: an open socket would not tell. */
export async function mustBeThere(connection: Connection): Promise<void> {
  const file = connection.namespaceFile;
  if (file === undefined || (await isThere(file))) return;
  throw new NetfilterError(`counters: ${connection.where} is gone`, { code: 'ERR_NAMESPACE_GONE' });
}
