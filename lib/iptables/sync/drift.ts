// What others change of a desired state, and putting it back.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Listener } from '../../connection.ts';
import { ERESTART } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { closeOnAbort, type Subscription } from '../../model/subscription.ts';
import type { Writer } from '../../sync/commit.ts';
import type { Plan } from './plan.ts';
import type { SyncReport } from './reconcile.ts';

export type DriftEvent =
  | {
      readonly kind: 'drift';
      /** From what is there to what is desired, as a plan's. */
      readonly diff: string;
      /** Who has committed last, as nf_tables tells it: the name of the thread and its number in the initial pid namespace. */
      readonly process?: string;
      readonly tid?: number;
    }
  | { readonly kind: 'repaired'; readonly report: SyncReport }
  | { readonly kind: 'error'; readonly error: NetfilterError };

export interface DriftOptions {
  /** Put back what is desired. Default: report only. */
  readonly repair?: boolean;
  /** Between two repairs at least, and between two looks at legacy tables; default 1000 milliseconds. */
  readonly minIntervalMs?: number;
  readonly signal?: AbortSignal;
}

/** Tells when it is time to look again. */
export interface Changes {
  /** From now on those of these tables matter. */
  watch(tables: readonly string[]): void;
  /** Who has changed something that may matter; undefined: the time has come, or nobody knows who. Null: there will be no more. */
  next(): Promise<Writer | undefined | null>;
  close(): void;
}

/** A repair has held when nothing came in its way for as many intervals. */
const HOLDS_INTERVALS = 10;
/** As many repairs in a row that have not held are enough. */
const MOST_REPAIRS = 10;

export class DriftWatch implements Subscription<DriftEvent>, Listener {
  readonly #plan: () => Promise<Plan>;
  readonly #changes: Changes;
  readonly #repair: boolean;
  readonly #intervalMs: number;
  readonly #ended = new AbortController();
  readonly #events: AsyncGenerator<DriftEvent, undefined>;
  readonly #release: (() => void)[] = [];

  constructor(connection: Connection, plan: () => Promise<Plan>, changes: Changes, o: DriftOptions & { readonly minIntervalMs: number }) {
    this.#plan = plan;
    this.#changes = changes;
    this.#repair = o.repair === true;
    this.#intervalMs = o.minIntervalMs;
    const { signal } = o;
    this.#release.push(connection.listen('watchDrift', this));
    if (signal !== undefined) this.#release.push(closeOnAbort(signal, new WeakRef(this)));
    this.#events = this.#run();
    if (signal?.aborted === true) this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
  next(): Promise<IteratorResult<DriftEvent, undefined>> {
    return this.#events.next();
  }
  async return(): Promise<IteratorResult<DriftEvent, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }
  async close(): Promise<void> {
    this.#end();
    await this.#events.return(undefined);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  connectionClosed(): void {
    this.#end();
  }

  get #isOver(): boolean {
    return this.#ended.signal.aborted;
  }

  #end(): void {
    if (this.#isOver) return;
    this.#ended.abort();
    this.#changes.close();
    for (const release of this.#release) release();
  }

  async *#run(): AsyncGenerator<DriftEvent, undefined> {
    let by: Writer | undefined | null;
    let told = '';
    let [repairs, repairedAt] = [0, Number.NEGATIVE_INFINITY];
    try {
      while (!this.#isOver && by !== null) {
        try {
          const plan = await this.#plan();
          if (this.#isOver) return;
          this.#changes.watch(plan.tables);
          const diff = plan.empty ? '' : plan.toString();
          if (diff !== '' && diff !== told) yield { kind: 'drift', diff, ...by };
          told = diff;
          if (diff !== '' && this.#repair) {
            if (performance.now() > repairedAt + HOLDS_INTERVALS * this.#intervalMs) repairs = 0;
            if (repairs === MOST_REPAIRS) {
              yield { kind: 'error', error: insists(by, repairs) };
              return;
            }
            await this.#pause(repairedAt + this.#intervalMs - performance.now());
            if (this.#isOver) return;
            // What is desired by now.
            const again = await this.#plan();
            if (this.#isOver) return;
            if (again.empty) told = '';
            else {
              const report = await again.apply();
              [repairs, repairedAt, told] = [repairs + 1, performance.now(), ''];
              yield { kind: 'repaired', report };
            }
          }
        } catch (err) {
          if (this.#isOver) return;
          // What is desired is no state, or nothing that the kernel has refused: another look would not be another.
          if (!(err instanceof NetfilterError) || err.code === 'ERR_INVALID_ARG') throw err;
          yield { kind: 'error', error: err };
          if (err.code === 'ERR_NAMESPACE_GONE') return;
          // Tried again, whether anybody changes anything or not.
          await this.#pause(this.#intervalMs);
          continue;
        }
        try {
          by = await this.#changes.next();
        } catch (err) {
          if (err instanceof NetfilterError) yield { kind: 'error', error: err };
          else throw err;
          return;
        }
      }
    } finally {
      this.#end();
    }
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await sleep(ms, undefined, { signal: this.#ended.signal }).catch(() => undefined);
  }
}

function insists(by: Writer | undefined | null, repairs: number): NetfilterError {
  const who = by === undefined || by === null ? 'somebody' : `${by.process} (thread ${by.tid})`;
  const text = `watchDrift: ${who} has undone each of ${repairs} repairs; what is there now stays, and nothing is repaired any more`;
  return new NetfilterError(text, { code: 'ERR_CONFLICT', errno: ERESTART });
}
