// A subscription to nf_tables: batches are asked for while somebody waits for an event, and events are made one by one.
import type { Connection, Listener } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import { closeOnAbort, type Subscription } from '../../model/subscription.ts';
import { GROUP_COMMITS, GROUP_TRACES, type NativeEventBatch, type NativeEventSource } from '../../native.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { NamespaceWatch } from './namespace-watch.ts';
import { EventReader } from './reader.ts';
import { TracedRules } from './trace.ts';
import type { EventOptions, NftEvent } from './types.ts';

const kinds: readonly NftEvent['kind'][] = ['commit', 'overrun', 'trace'];
const LOOK_EVERY_MS = 1000;
/** Events that are handed out before the event loop gets its turn. */
const EVENTS_A_TURN = 1000;

/** Sizes a test makes small. */
export interface EventLimits {
  /** Of the socket, by the kernel's accounting. */
  readonly receiveBytes: number;
  /** Of messages nobody has read. */
  readonly queueBytes: number;
  readonly largestCommit?: number;
}
const defaults: EventLimits = { receiveBytes: 64 * 1024 * 1024, queueBytes: 64 * 1024 * 1024 };

interface Waiting {
  resolve(result: IteratorResult<NftEvent, undefined>): void;
  reject(error: unknown): void;
}

export class EventSubscription implements Subscription<NftEvent>, Listener {
  readonly #reader: EventReader;
  readonly #source: NativeEventSource | undefined;
  readonly #release: (() => void)[] = [];
  readonly #watch: NamespaceWatch | undefined;
  readonly #waiting: Waiting[] = [];
  #pulling = false;
  #handedOut = 0;
  /** A turn of the event loop is waited for. */
  #resting = false;
  #ended = false;
  /** Told once, when the events before it are used up. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(connection: Connection, o: EventOptions, limits: EventLimits) {
    const wanted = new Set(o.kinds ?? kinds);
    for (const kind of wanted) if (!kinds.includes(kind)) throw badKind(kind);
    this.#reader = new EventReader({
      port: connection.portId,
      wants: (kind) => wanted.has(kind),
      ...(o.rules === undefined ? {} : { rules: new TracedRules(o.rules) }),
      ...(limits.largestCommit === undefined ? {} : { largestCommit: limits.largestCommit }),
    });
    if (o.signal?.aborted) {
      this.#ended = true;
      return;
    }
    // Who wants overruns alone wants to know of the commits that were lost.
    const traces = wanted.has('trace') ? GROUP_TRACES : 0;
    const commits = wanted.has('commit') || traces === 0 ? GROUP_COMMITS : 0;
    const { source, forget } = connection.subscribe(commits | traces, limits, this);
    this.#source = source;
    this.#release.push(forget);
    const file = connection.namespaceFile;
    if (file !== undefined) {
      this.#watch = new NamespaceWatch(file, () => {
        const error = new NetfilterError(`events: ${connection.where} is gone`, { code: 'ERR_NAMESPACE_GONE' });
        this.#fail(error);
      });
    }
    if (o.signal !== undefined) {
      const forgetSignal = closeOnAbort(o.signal, new WeakRef(this));
      this.#release.push(forgetSignal);
      collected.register(this, forgetSignal, this.#release);
    }
  }

  static open(connection: Connection, o: EventOptions = {}, limits: EventLimits = defaults): EventSubscription {
    return new EventSubscription(connection, o, limits);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<NftEvent, undefined>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#serve();
    });
  }

  /** An event that has come, or undefined: asks for none, so that nobody waits. Not while somebody does. */
  poll(): NftEvent | undefined {
    while (!this.#ended && !this.#resting) {
      const event = this.#reader.next();
      if (event !== undefined) {
        if (++this.#handedOut % EVENTS_A_TURN === 0) this.#rest();
        return event;
      }
      const batch = this.#source?.take(0);
      if (batch === undefined) return undefined;
      this.#reader.push(batch);
    }
    return undefined;
  }

  async return(): Promise<IteratorResult<NftEvent, undefined>> {
    await this.close();
    return { done: true, value: undefined };
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Gives those who wait what there is, and asks for more when that is not enough. */
  #serve(): void {
    while (this.#waiting.length > 0 && !this.#resting) {
      if (this.#ended) return this.#dismiss();
      let event: NftEvent | undefined;
      try {
        event = this.#reader.next();
      } catch (err) {
        // A rejected next() leaves `for await` without return(): whoever reads so would never close.
        this.#waiting.shift()?.reject(err);
        return this.#end();
      }
      if (event === undefined) return this.#failure === undefined ? this.#pull() : this.#end();
      this.#waiting.shift()?.resolve({ done: false, value: event });
      if (++this.#handedOut % EVENTS_A_TURN === 0) this.#rest();
    }
  }

  #rest(): void {
    this.#resting = true;
    setImmediate(() => {
      this.#resting = false;
      this.#serve();
    });
  }

  #pull(): void {
    if (this.#pulling) return;
    this.#pulling = true;
    this.#watch?.start(LOOK_EVERY_MS);
    this.#source?.pull((batch) => this.#receive(batch));
  }

  #receive(batch: NativeEventBatch): void {
    this.#pulling = false;
    if (this.#ended) return;
    this.#reader.push(batch);
    this.#watch?.stop();
    this.#serve();
  }

  connectionClosed(): void {
    this.#end();
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#serve();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#source?.close();
    this.#watch?.stop();
    for (const release of this.#release) release();
    collected.unregister(this.#release);
    this.#dismiss();
  }

  /** Everybody who waits learns that it is over; the first one why. */
  #dismiss(): void {
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      const failure = this.#failure;
      this.#failure = undefined;
      if (failure === undefined) resolve({ done: true, value: undefined });
      else reject(failure.error);
    }
  }
}

/** Takes away what a signal holds of a subscription that nobody closed. */
const collected = new FinalizationRegistry<() => void>((forgetSignal) => forgetSignal());

function badKind(kind: unknown): NetfilterError {
  const cause = new EncodeError('kinds', `unknown kind ${show(kind)}, one of ${kinds.join(', ')}`);
  return new NetfilterError(`events: ${cause.message}`, { code: 'ERR_INVALID_ARG', cause });
}
