// A stream of what happens, read with `for await`.

/** Subscribed when the call that gave it returns, not at the first next(). */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Ends the iteration, a waiting next() included. May be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
