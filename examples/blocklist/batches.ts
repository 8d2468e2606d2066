// Addresses that have come since somebody asked last, each once.

/** Seconds by address; of an address that was told twice, the last. */
export type Addresses = ReadonlyMap<string, number>;

export class Batches {
  #waiting = new Map<string, number>();
  #ended = false;
  #wake: () => void = () => {};

  add(address: string, seconds: number): void {
    this.#waiting.set(address, seconds);
    this.#wake();
  }
  /** Those that could not be sent come with the next batch, unless they were told anew. */
  putBack(addresses: Addresses): void {
    this.#waiting = new Map([...addresses, ...this.#waiting]);
  }
  /** What waits is still given. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** All that wait, up to `most`, as soon as there is one; while nobody asks they become more. Undefined: it has ended. */
  async next(most: number): Promise<Addresses | undefined> {
    while (this.#waiting.size === 0) {
      if (this.#ended) return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    const batch = this.#waiting;
    this.#waiting = new Map();
    if (batch.size <= most) return batch;
    const all = [...batch];
    this.#waiting = new Map(all.slice(most));
    return new Map(all.slice(0, most));
  }
}
