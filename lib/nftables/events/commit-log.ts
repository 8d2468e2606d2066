// The commits since somebody began to listen: whether they have touched some tables, and who has made the last one. The kernel's answer about a generation
// names who asks, so events tell.
import type { Connection, Listener } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import { GROUP_COMMITS, type NativeEventBatch, type NativeEventSource } from '../../native.ts';
import { step, type Verb } from '../../run.ts';
import type { Writer } from '../../sync/commit.ts';
import { familyNumber } from '../objects/messages.ts';
import type { TableName } from '../picture.ts';
import { nextGeneration } from '../read.ts';
import { Change } from './commit.ts';
import { EventReader } from './reader.ts';
import type { CommitEvent } from './types.ts';

/** Of commits that nobody has asked about; one that did not fit counts as touching. */
const QUEUE_BYTES = 16 * 1024 * 1024;
/** How long the events of a commit that the kernel has told of may be on their way. */
const LATE_MS = 2000;
/** How long a call that blocks waits at once. */
const BLOCKS_MS = 200;

export class CommitLog implements Listener {
  readonly #tables: ReadonlySet<string>;
  readonly #reader: EventReader;
  /** Undefined where nothing can be known. */
  #source: NativeEventSource | undefined;
  #forget: (() => void) | undefined;
  /** Of the last commit that was looked at. */
  #known = 0;
  /** Of the last one that has touched the tables, or of which nobody knows whether it has. */
  #touched = 0;
  #writer: Writer | undefined;

  /** Where no socket is to be had (EMFILE, ENOMEM, EPERM) nothing is known: whoever asks has to look himself. */
  constructor(connection: Connection, tables: readonly TableName[]) {
    this.#tables = new Set(tables.map(({ family, name }) => `${familyNumber(family)} ${name}`));
    this.#reader = new EventReader({ port: connection.portId, wants: (kind) => kind !== 'trace' });
    try {
      const { source, forget } = connection.subscribe(GROUP_COMMITS, { receiveBytes: QUEUE_BYTES, queueBytes: QUEUE_BYTES }, this);
      this.#source = source;
      this.#forget = forget;
    } catch (err) {
      if (!(err instanceof NetfilterError)) throw err;
    }
    this.#miss();
  }

  get listens(): boolean {
    return this.#source !== undefined;
  }

  /** Who has committed last but us, of the commits that were looked at. */
  writer(): Writer | undefined {
    this.#take(0);
    return this.#writer;
  }

  /** The generation that it is now, if no commit after `generation` has touched the tables; undefined where one has, or nobody knows. */
  *untouchedSince(generation: number): Verb<number | undefined> {
    const until = performance.now() + LATE_MS;
    // Asked again after each wait: what is told is to be of now.
    for (;;) {
      const now = this.#source?.generation();
      if (now === undefined || now.failure !== undefined) return undefined;
      this.#take(0);
      if (!isAfter(now.generation, this.#known)) return isAfter(this.#touched, generation) ? undefined : this.#known;
      if (performance.now() >= until) this.close();
      else yield* step({ sync: () => this.#take(BLOCKS_MS), async: () => this.#pulled(until) });
    }
  }

  close(): void {
    this.#forget?.();
    this.#source?.close();
    this.#source = undefined;
  }
  connectionClosed(): void {
    this.close();
  }

  /** Waits where nothing has come. */
  #take(ms: number): void {
    const batch = this.#source?.take(ms);
    if (batch !== undefined) this.#apply(batch);
  }

  /** Who is late is not waited for again: the log is closed then, and the source calls back no more. */
  async #pulled(until: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const late = setTimeout(resolve, until - performance.now());
      this.#source?.pull((batch) => {
        clearTimeout(late);
        this.#apply(batch);
        resolve();
      });
    });
  }

  #apply(batch: NativeEventBatch): void {
    this.#reader.push(batch);
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      if (event.kind === 'overrun') this.#miss();
      else if (event.kind === 'commit') this.#add(event);
    }
  }

  /** Whatever was committed up to now may have touched the tables. */
  #miss(): void {
    const now = this.#source?.generation();
    if (now === undefined || now.failure !== undefined) return this.close();
    this.#known = this.#touched = now.generation;
  }

  #add({ generation, own, tid, process, changes }: CommitEvent): void {
    // What the kernel says by itself is no commit.
    if (tid === 0 || !isAfter(generation, this.#known)) return;
    const isNext = generation === nextGeneration(this.#known);
    this.#known = generation;
    if (!own) this.#writer = { process, tid };
    const touches = !isNext || changes.some((change) => !(change instanceof Change) || this.#tables.has(change.table));
    if (touches) this.#touched = generation;
  }
}

/** Generations go round. */
function isAfter(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}
