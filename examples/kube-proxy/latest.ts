// What is desired now, for who is slower than it changes: what was told in between is passed over.

export class Latest<T> {
  #value: T | undefined;
  #isNew = false;
  #ended = false;
  #wake: () => void = () => {};

  tell(value: T): void {
    this.#value = value;
    this.#isNew = true;
    this.#wake();
  }
  /** Nothing more will be told; what was told last is still given. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The last value whenever one was told, and the same one again when none was for `everyMs`. An abort ends it at once. */
  async *values(everyMs: number, signal: AbortSignal): AsyncGenerator<T> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted) {
        if (!this.#isNew) {
          if (this.#ended) return;
          await this.#woken(everyMs);
          if (signal.aborted) return;
          if (!this.#isNew && this.#ended) return;
        }
        this.#isNew = false;
        if (this.#value !== undefined) yield this.#value;
      }
    } finally {
      signal.removeEventListener('abort', wake);
    }
  }

  #woken(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
