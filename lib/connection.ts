// One open connection into a network namespace: the native sockets, and the order in which calls get them. A lane is
// one socket's queue; `…Sync` calls never wait, so they are refused while a call is in flight on theirs.
import { once, setMaxListeners } from 'node:events';
import { EACCES, EBADF, EBUSY, ECANCELED, ENOENT, ESRCH } from './errno.ts';
import { closedError, fromFailure, NetfilterError } from './errors.ts';
import type { NamespaceFile } from './namespace-file.ts';
import {
  type NativeConnection,
  type NativeEventSource,
  type NativeFailure,
  type NativeIpsetReply,
  type NativeOpenReply,
  native,
} from './native.ts';
import { runAsync, runSync, step, type Verb } from './run.ts';
import { EncodeError } from './wire/errors.ts';

/** A path such as /run/netns/blue, a process, or an open descriptor. Default: the process's own namespace. */
export type Netns = string | { readonly pid: number } | { readonly fd: number };

/** Aborted before the bytes are sent: AbortError, nothing applied. After: the call settles with the kernel's real answer. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** What lives on a connection without being kept by it. */
export interface Listener {
  connectionClosed(): void;
}

type LaneName = 'batch' | 'dump';

class Lane {
  #tail: Promise<void> = Promise.resolve();
  #waiting = 0;

  get busy(): boolean {
    return this.#waiting > 0;
  }

  /** Resolves when all earlier holders have let go; the result lets go. An abort while waiting rejects at once. */
  async enter(signal?: AbortSignal): Promise<() => void> {
    this.#waiting++;
    const before = this.#tail;
    let done!: () => void;
    this.#tail = new Promise((resolve) => {
      done = resolve;
    });
    const leave = (): void => {
      this.#waiting--;
      done();
    };
    if (signal === undefined) await before;
    else {
      // Many calls may share one signal: each waits with a listener of its own.
      setMaxListeners(0, signal);
      const aborted = new AbortController();
      try {
        await Promise.race([before, once(signal, 'abort', { signal: aborted.signal })]);
      } finally {
        aborted.abort();
      }
      if (signal.aborted) {
        // The turn in the queue comes all the same and is passed on.
        void before.then(leave);
        signal.throwIfAborted();
      }
    }
    return leave;
  }
}

export class Connection {
  readonly #native: NativeConnection;
  readonly #lanes: Readonly<Record<LaneName, Lane>> = { batch: new Lane(), dump: new Lane() };
  readonly #inFlight = new Set<Promise<unknown>>();
  /** What ends with the connection. Weak: who is forgotten is collected while the connection is open. */
  readonly #listeners = new Set<WeakRef<Listener>>();
  readonly #collected = new FinalizationRegistry<WeakRef<Listener>>((listener) => void this.#listeners.delete(listener));
  #closed = false;
  #closing: Promise<void> | undefined;
  /** The namespace's file, where it was named by a path or a process. */
  readonly namespaceFile: NamespaceFile | undefined;
  /** For messages: which namespace this is. */
  readonly where: string;

  private constructor(connection: NativeConnection, where: string, target: string | number | null) {
    this.#native = connection;
    this.where = where;
    if (typeof target === 'string' && connection.netns !== undefined) this.namespaceFile = { path: target, ...connection.netns };
  }

  static *open(netns: Netns | undefined): Verb<Connection> {
    const target = nativeNetns(netns);
    const where = describe(netns);
    const reply: NativeOpenReply = yield* step({ sync: () => native().openSync(target), async: () => native().open(target) });
    if (reply.failure !== undefined) throw openError(where, reply.failure);
    return new Connection(reply.connection, where, target);
  }

  get closed(): boolean {
    return this.#closed;
  }
  get portId(): number {
    return this.#native.portId;
  }
  get maxBatchBytes(): number {
    return this.#native.maxBatchBytes;
  }
  get canForceBuffers(): boolean {
    return this.#native.canForceBuffers;
  }

  /** One native call on a lane, as a step. */
  *on<T>(
    lane: LaneName,
    what: string,
    sync: (c: NativeConnection) => T,
    async: (c: NativeConnection) => Promise<T>,
    sent?: (reply: T) => boolean,
  ): Verb<T> {
    return yield* step<T>({
      ...(sent === undefined ? {} : { sent }),
      sync: () => {
        this.#checkOpen(what);
        if (lane === 'dump' && this.#lanes.dump.busy) throw busy(what);
        return sync(this.#native);
      },
      sends: lane === 'batch',
      async: async (signal) => {
        // The batch lane is held by the whole verb (see exclusive); dumps queue a call at a time.
        if (lane === 'batch') return await this.#guarded(what, () => async(this.#native));
        const leave = await this.#lanes.dump.enter(signal);
        try {
          return await this.#guarded(what, () => async(this.#native));
        } finally {
          leave();
        }
      },
    });
  }

  async #guarded<T>(what: string, call: () => Promise<T>): Promise<T> {
    this.#checkOpen(what);
    return await call();
  }

  /** Runs a verb with promises. With `exclusive` it holds the batch lane from its first step to its last. */
  async runAsync<T>(what: string, verb: () => Verb<T>, o: CallOptions | undefined, exclusive: boolean): Promise<T> {
    o?.signal?.throwIfAborted();
    this.#checkOpen(what);
    const run = this.#run(verb, what, o, exclusive);
    this.#inFlight.add(run);
    try {
      return await run;
    } finally {
      this.#inFlight.delete(run);
    }
  }

  async #run<T>(verb: () => Verb<T>, what: string, o: CallOptions | undefined, exclusive: boolean): Promise<T> {
    const leave = exclusive ? await this.#lanes.batch.enter(o?.signal) : undefined;
    try {
      // An abort while waiting in the lane comes before any byte is sent.
      o?.signal?.throwIfAborted();
      this.#checkOpen(what);
      return await runAsync(verb(), o?.signal);
    } catch (err) {
      throw refused(what, err);
    } finally {
      leave?.();
    }
  }

  runSync<T>(what: string, verb: () => Verb<T>, exclusive: boolean): T {
    this.#checkOpen(what);
    if (exclusive && this.#lanes.batch.busy) throw busy(what);
    try {
      return runSync(verb());
    } catch (err) {
      throw refused(what, err);
    }
  }

  /** A set's index and family by name, or its name by index, in the connection's namespace. */
  ipset(query: string | number): NativeIpsetReply {
    this.#checkOpen('ipset');
    return this.#native.ipsetSync(query);
  }

  /** A socket of its own that listens to `groups`; the listener is not kept alive, and told when the connection closes. */
  subscribe(
    groups: number,
    o: { readonly receiveBytes: number; readonly queueBytes: number },
    listener: Listener,
  ): { readonly source: NativeEventSource; readonly forget: () => void } {
    this.#checkOpen('events');
    const reply = this.#native.subscribe(groups, o.receiveBytes, o.queueBytes);
    if (reply.failure !== undefined) throw fromFailure(`events in ${this.where}`, reply.failure);
    return { source: reply.source, forget: this.listen('events', listener) };
  }

  /** Tells `listener` when the connection closes, without keeping it; the result ends that. ERR_CLOSED where it has. */
  listen(what: string, listener: Listener): () => void {
    this.#checkOpen(what);
    const weak = new WeakRef(listener);
    this.#listeners.add(weak);
    this.#collected.register(listener, weak, weak);
    return () => {
      this.#listeners.delete(weak);
      this.#collected.unregister(weak);
    };
  }

  #checkOpen(what: string): void {
    if (this.#closed) throw closedError(what);
  }

  /** Throws what a reply's failure means. */
  check(what: string, failure: NativeFailure | undefined): void {
    if (failure !== undefined) throw this.error(what, failure);
  }
  /** What a reply's failure means; `hint`: what lacks, where the call alone doesn't say it. */
  error(what: string, failure: NativeFailure, hint?: string): NetfilterError {
    if (failure.errno === EBUSY) return busy(what);
    if (this.#closed && (failure.errno === EBADF || failure.errno === ECANCELED)) return closedError(what);
    return fromFailure(`${what} in ${this.where}`, failure, 'not-applied', hint);
  }

  closeSync(): void {
    this.#endListeners();
    this.#native.closeSync();
  }

  /** A commit in flight is waited for, a dump in flight ends with ERR_CLOSED, a subscription just ends. Does not block. */
  async close(): Promise<void> {
    this.#closing ??= this.#close();
    await this.#closing;
  }

  async #close(): Promise<void> {
    this.#endListeners();
    this.#native.cancel();
    await Promise.allSettled([...this.#inFlight]);
    await this.#native.close();
  }

  #endListeners(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener.deref()?.connectionClosed();
    this.#listeners.clear();
  }
}

/** What `read` makes of the caller's input; what it refuses is ERR_INVALID_ARG. */
export function checkedInput<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (err) {
    throw refused(what, err);
  }
}

/** Input that no attribute can hold is the caller's, wherever it was found. */
function refused(what: string, err: unknown): unknown {
  if (!(err instanceof EncodeError)) return err;
  return new NetfilterError(`${what}: ${err.message}; nothing was sent`, { code: 'ERR_INVALID_ARG', cause: err });
}

function busy(what: string): NetfilterError {
  return new NetfilterError(`${what}: a call is in flight on this connection; await it, or open another connection for sync calls`, {
    code: 'ERR_BUSY',
  });
}

function nativeNetns(netns: Netns | undefined): string | number | null {
  if (netns === undefined) return null;
  if (typeof netns === 'string') {
    if (netns === '' || netns.includes('\0'))
      throw new NetfilterError(`netns: ${JSON.stringify(netns)} is no path`, { code: 'ERR_INVALID_ARG' });
    return netns;
  }
  if (typeof netns !== 'object' || netns === null) throw badNetns();
  if ('pid' in netns && Number.isInteger(netns.pid) && netns.pid > 0) return `/proc/${netns.pid}/ns/net`;
  if ('fd' in netns && Number.isInteger(netns.fd) && netns.fd >= 0) return netns.fd;
  throw badNetns();
}

function badNetns(): NetfilterError {
  return new NetfilterError('netns: a path, { pid } or { fd } is needed', { code: 'ERR_INVALID_ARG' });
}

function describe(netns: Netns | undefined): string {
  if (netns === undefined) return "the process's own network namespace";
  if (typeof netns === 'string') return `network namespace ${netns}`;
  return 'pid' in netns ? `the network namespace of process ${netns.pid}` : `the network namespace of descriptor ${netns.fd}`;
}

function openError(where: string, failure: NativeFailure): NetfilterError {
  const hint =
    failure.errno === ENOENT || failure.errno === ESRCH
      ? 'no such namespace or process'
      : failure.call === 'open' && failure.errno === EACCES
        ? 'no permission to open it; the namespace of another user needs CAP_SYS_PTRACE'
        : undefined;
  return fromFailure(`open ${where}`, failure, 'not-applied', hint);
}
