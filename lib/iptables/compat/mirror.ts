// A mirror of nf_tables: events keep it, one request for the generation tells at each lookup whether they all have come.
import type { Listener } from '../../connection.ts';
import { closedError } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import type { MirrorSource } from '../sync/mirror.ts';
import { Readings, tickWhileHeld } from '../sync/readings.ts';
import type { CompatContext } from './context.ts';
import { CompatView, type View } from './view.ts';

/** How often what has come is applied while nobody looks. */
const DRAIN_EVERY_MS = 50;
/** Between two tries to read what was lost track of. */
const READ_EVERY_MS = 1000;

export class CompatMirror implements MirrorSource, Listener {
  readonly #tables: readonly string[];
  readonly #view: CompatView;
  readonly #forget: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #readings: Readings;
  #triedAt = Number.NEGATIVE_INFINITY;
  closed = false;

  constructor(context: CompatContext, tables: readonly string[]) {
    this.#tables = tables;
    this.#view = new CompatView(context);
    this.#forget = context.connection.listen('mirror', this);
    this.#timer = tickWhileHeld(this, DRAIN_EVERY_MS);
    this.#readings = new Readings(() => {
      this.#triedAt = performance.now();
      return context.connection.runAsync('mirror', () => this.#look(), undefined, false);
    });
  }

  get failure(): unknown {
    return this.#readings.failure;
  }
  view(): View | undefined {
    const view = this.#view.now();
    if (view === undefined) this.#readAnew();
    return view;
  }
  async refresh(): Promise<void> {
    await this.#readings.fresh();
  }
  close(): void {
    this.closed = true;
    clearInterval(this.#timer);
    this.#forget();
    this.#view.close();
  }
  connectionClosed(): void {
    this.close();
  }
  tick(): void {
    if (!this.#view.drain()) this.#readAnew();
  }

  #readAnew(): void {
    if (this.closed || this.#readings.active || performance.now() < this.#triedAt + READ_EVERY_MS) return;
    this.#readings.begin().catch(() => undefined);
  }

  *#look(): Verb<void> {
    yield* this.#view.look(this.#tables);
    if (!this.closed) return;
    // What was begun before the end holds a socket.
    this.#view.close();
    throw closedError('mirror');
  }
}
