// A mirror of legacy tables: read again and again, since nobody tells of changes.
import type { Listener } from '../../connection.ts';
import { Slice, type Verb } from '../../run.ts';
import type { RuleContext } from '../context.ts';
import type { MirrorSource } from '../sync/mirror.ts';
import type { SyncView } from '../sync/store.ts';
import { LegacyTables } from './tables.ts';
import { type LegacyChainView, LegacyView } from './view.ts';

export class LegacyMirror implements MirrorSource, Listener {
  readonly #context: RuleContext;
  readonly #names: readonly string[];
  readonly #tables: LegacyTables;
  readonly #forget: () => void;
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<void> | undefined;
  #read = false;
  failure: unknown;

  constructor(context: RuleContext, tables: readonly string[], pollMs: number) {
    this.#context = context;
    this.#names = tables;
    this.#tables = new LegacyTables(context);
    this.#forget = context.connection.listen('mirror', this);
    this.#timer = setInterval(() => {
      if (this.#reading === undefined) this.#poll().catch(() => undefined);
    }, pollMs).unref();
  }

  view(): SyncView<LegacyChainView> | undefined {
    if (!this.#read || this.failure !== undefined) return undefined;
    return { table: (name) => this.#tables.last(name) ?? new LegacyView(undefined, this.#context) };
  }
  async refresh(): Promise<void> {
    // One reading at a time; one that was begun before is not enough.
    await this.#reading;
    await this.#poll();
  }
  close(): void {
    clearInterval(this.#timer);
    this.#forget();
  }
  connectionClosed(): void {
    this.close();
  }

  #poll(): Promise<void> {
    const reading = this.#context.connection
      .runAsync('mirror', () => this.#look(), undefined, false)
      .then(
        () => {
          this.#read = true;
          this.failure = undefined;
        },
        (err: unknown) => {
          this.failure = err;
          throw err;
        },
      );
    this.#reading = reading.then(
      () => (this.#reading = undefined),
      () => (this.#reading = undefined),
    );
    return reading;
  }

  /** Keys are made here, where others have their turn, and not at a lookup. */
  *#look(): Verb<void> {
    const slice = new Slice();
    for (const name of this.#names) {
      const view = yield* this.#tables.look(name);
      for (const chain of view.chains.values()) {
        chain.keys;
        yield* slice.pause();
      }
    }
  }
}
