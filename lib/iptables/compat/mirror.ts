// A mirror of nf_tables: events keep it, one request for the generation tells at each lookup whether they all have come.
import type { Listener } from '../../connection.ts';
import type { MirrorSource } from '../sync/mirror.ts';
import type { CompatContext } from './context.ts';
import { CompatView, type View } from './view.ts';

/** How often what has come is applied while nobody looks. */
const DRAIN_EVERY_MS = 50;
/** Between two tries to read what was lost track of. */
const READ_EVERY_MS = 1000;

export class CompatMirror implements MirrorSource, Listener {
  readonly #context: CompatContext;
  readonly #tables: readonly string[];
  readonly #view: CompatView;
  readonly #forget: () => void;
  readonly #timer: NodeJS.Timeout;
  #reading: Promise<void> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  failure: unknown;

  constructor(context: CompatContext, tables: readonly string[]) {
    this.#context = context;
    this.#tables = tables;
    this.#view = new CompatView(context);
    this.#forget = context.connection.listen('mirror', this);
    this.#timer = setInterval(() => {
      if (!this.#view.drain()) this.#readAnew();
    }, DRAIN_EVERY_MS).unref();
  }

  view(): View | undefined {
    const view = this.#view.now();
    if (view === undefined) this.#readAnew();
    return view;
  }
  async refresh(): Promise<void> {
    // One reading at a time; one that was begun before is not enough.
    await this.#reading;
    await this.#read();
  }
  close(): void {
    clearInterval(this.#timer);
    this.#forget();
    this.#view.close();
  }
  connectionClosed(): void {
    this.close();
  }

  #readAnew(): void {
    if (this.#reading !== undefined || performance.now() < this.#triedAt + READ_EVERY_MS) return;
    this.#read().catch(() => undefined);
  }

  #read(): Promise<void> {
    this.#triedAt = performance.now();
    const reading = this.#context.connection
      .runAsync('mirror', () => this.#view.look(this.#tables), undefined, false)
      .then(
        () => {
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
}
