// A stream of what happens, read with `for await`.

/** Subscribed when the call that gave it returns, not at the first next(). */
export interface Subscription<T> extends AsyncIterableIterator<T> {
  /** Ends the iteration, a waiting next() included. May be called again. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A signal may outlive many subscriptions: it keeps none of them. The result takes it off. */
export function closeOnAbort(signal: AbortSignal, subscription: WeakRef<{ close(): Promise<void> }>): () => void {
  const abort = (): void => void subscription.deref()?.close();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}
