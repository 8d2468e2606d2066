// A seeded source of numbers: what went wrong once goes wrong again.

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** 32 bits (mulberry32). */
  u32(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }
  /** An integer from 0, less than `end`. */
  below(end: number): number {
    return Math.floor((this.u32() / 0x1_0000_0000) * end);
  }
  chance(probability: number): boolean {
    return this.u32() / 0x1_0000_0000 < probability;
  }
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to pick from');
    return from[this.below(from.length)] as T;
  }
}
