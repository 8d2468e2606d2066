// A verb is written once, as a generator of native steps, and driven here: with promises or at once.

/** One native call in both its forms. */
export interface Step<T> {
  sync(): T;
  async(signal?: AbortSignal): Promise<T>;
  /** It may change the kernel's state: from here on an abort comes too late, and the verb goes on to the kernel's answer. */
  readonly sends?: boolean;
  /** Once it is back: whether it did; absent: it did. */
  sent?(result: T): boolean;
}

export type Verb<T> = Generator<Step<unknown>, T, unknown>;

/** Yields one step and gives its result its type back. */
export function* step<T>(s: Step<T>): Verb<T> {
  return (yield s) as T;
}

export function runSync<T>(verb: Verb<T>): T {
  let turn = verb.next();
  while (!turn.done) {
    let result: unknown;
    try {
      result = turn.value.sync();
    } catch (err) {
      turn = verb.throw(err);
      continue;
    }
    turn = verb.next(result);
  }
  return turn.value;
}

export async function runAsync<T>(verb: Verb<T>, signal?: AbortSignal): Promise<T> {
  let turn = verb.next();
  let sent = false;
  while (!turn.done) {
    let result: unknown;
    try {
      if (!sent) signal?.throwIfAborted();
      const { value } = turn;
      const before: boolean = sent;
      sent ||= value.sends === true;
      result = await value.async(sent ? undefined : signal);
      if (value.sent?.(result) === false) sent = before;
    } catch (err) {
      turn = verb.throw(err);
      continue;
    }
    turn = verb.next(result);
  }
  return turn.value;
}

/** What others in the process wait at most, in milliseconds, while much is gone through on the main thread. */
const SLICE_MS = 3;

/** Work on the main thread in pieces. */
export class Slice {
  #until = performance.now() + SLICE_MS;

  get isOver(): boolean {
    return performance.now() >= this.#until;
  }
  /** Where it is time, others have their turn; in a call that blocks there is none to have. */
  *pause(): Verb<void> {
    if (!this.isOver) return;
    yield* step({ sync: () => undefined, async: nextTurn });
    this.#until = performance.now() + SLICE_MS;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
