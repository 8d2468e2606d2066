// When it is time to look at legacy tables again: nobody tells who changes them, or that.
import type { Changes } from '../sync/drift.ts';

export class LegacyChanges implements Changes {
  readonly #intervalMs: number;
  #timer: NodeJS.Timeout | undefined;
  #wake: ((none: undefined | null) => void) | undefined;
  #closed = false;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }
  watch(): void {
    // A look is at all of them.
  }
  next(): Promise<undefined | null> {
    if (this.#closed) return Promise.resolve(null);
    return new Promise((resolve) => {
      this.#wake = resolve;
      this.#timer = setTimeout(() => resolve(undefined), this.#intervalMs);
    });
  }
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#wake?.(null);
  }
}
