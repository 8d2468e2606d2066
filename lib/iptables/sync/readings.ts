// Readings of what a mirror holds: one at a time, and by a clock that keeps nobody.

export class Readings {
  readonly #read: () => Promise<unknown>;
  /** Done when the reading is, however it ended. */
  #reading: Promise<void> | undefined;
  #next: Promise<void> | undefined;
  /** Why the last one failed. */
  failure: unknown;

  constructor(read: () => Promise<unknown>) {
    this.#read = read;
  }

  get active(): boolean {
    return this.#reading !== undefined;
  }

  /** A reading that begins after the call; all who ask while another is under way share the next. */
  fresh(): Promise<void> {
    if (this.#reading === undefined) return this.begin();
    this.#next ??= this.#afterwards();
    return this.#next;
  }
  async #afterwards(): Promise<void> {
    while (this.#reading !== undefined) await this.#reading;
    this.#next = undefined;
    await this.begin();
  }

  /** Where none is under way. */
  begin(): Promise<void> {
    const reading = this.#read().then(
      () => {
        this.failure = undefined;
      },
      (err: unknown) => {
        this.failure = err;
        throw err;
      },
    );
    const done = (): void => {
      this.#reading = undefined;
    };
    this.#reading = reading.then(done, done);
    return reading;
  }
}

/** Calls `tick` every `ms`, until the object is collected: neither it nor the process lives for that. */
export function tickWhileHeld(held: { tick(): void }, ms: number): NodeJS.Timeout {
  const weak = new WeakRef(held);
  const timer = setInterval(() => {
    const there = weak.deref();
    if (there === undefined) clearInterval(timer);
    else there.tick();
  }, ms);
  return timer.unref();
}
