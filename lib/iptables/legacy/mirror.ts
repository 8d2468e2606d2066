// A mirror of legacy tables: read again and again, since nobody tells of changes.
import type { Listener } from '../../connection.ts';
import { Slice, type Verb } from '../../run.ts';
import type { RuleContext } from '../context.ts';
import type { MirrorSource } from '../sync/mirror.ts';
import { Readings, tickWhileHeld } from '../sync/readings.ts';
import type { SyncView } from '../sync/store.ts';
import { LegacyTables } from './tables.ts';
import { type LegacyChainView, LegacyView } from './view.ts';

export class LegacyMirror implements MirrorSource, Listener {
  readonly #context: RuleContext;
  readonly #names: readonly string[];
  readonly #tables: LegacyTables;
  readonly #forget: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #readings: Readings;
  #read = false;
  closed = false;

  constructor(context: RuleContext, tables: readonly string[], pollMs: number) {
    this.#context = context;
    this.#names = tables;
    this.#tables = new LegacyTables(context);
    this.#forget = context.connection.listen('mirror', this);
    this.#timer = tickWhileHeld(this, pollMs);
    this.#readings = new Readings(() => context.connection.runAsync('mirror', () => this.#look(), undefined, false));
  }

  get failure(): unknown {
    return this.#readings.failure;
  }
  view(): SyncView<LegacyChainView> | undefined {
    if (!this.#read || this.failure !== undefined) return undefined;
    return { table: (name) => this.#tables.last(name) ?? new LegacyView(undefined, this.#context) };
  }
  async refresh(): Promise<void> {
    await this.#readings.fresh();
  }
  close(): void {
    this.closed = true;
    clearInterval(this.#timer);
    this.#forget();
  }
  connectionClosed(): void {
    this.close();
  }
  tick(): void {
    if (!this.#readings.active) this.#readings.begin().catch(() => undefined);
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
    this.#read = true;
  }
}
