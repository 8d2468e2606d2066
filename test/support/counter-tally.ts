// Takes the samples of a watch as they come and adds up what each rule has counted, by its comment.
import type { CounterSample, RuleDelta, Subscription } from '../../lib/index.ts';

export interface Tally {
  readonly packets: bigint;
  readonly bytes: bigint;
}

export class CounterTally {
  readonly samples: CounterSample[] = [];
  readonly #sums = new Map<string, { packets: bigint; bytes: bigint; notes: Set<NonNullable<RuleDelta['note']>> }>();
  readonly #watch: Subscription<CounterSample>;
  readonly #done: Promise<void>;
  #next: (() => void)[] = [];

  constructor(watch: Subscription<CounterSample>) {
    this.#watch = watch;
    this.#done = this.#take();
    // Looked at by `end`.
    this.#done.catch(() => {});
  }

  async #take(): Promise<void> {
    for await (const sample of this.#watch) {
      this.samples.push(sample);
      for (const { rule, packets, bytes, note } of sample.deltas) {
        const sum = this.#of(rule.comment ?? '');
        sum.packets += packets;
        sum.bytes += bytes;
        if (note !== undefined) sum.notes.add(note);
      }
      for (const tell of this.#next.splice(0)) tell();
    }
  }

  #of(comment: string): { packets: bigint; bytes: bigint; notes: Set<NonNullable<RuleDelta['note']>> } {
    let sum = this.#sums.get(comment);
    if (sum === undefined) this.#sums.set(comment, (sum = { packets: 0n, bytes: 0n, notes: new Set() }));
    return sum;
  }

  /** Since the beginning, or the last `forget`. */
  sum(comment: string): Tally {
    const { packets, bytes } = this.#of(comment);
    return { packets, bytes };
  }
  notes(comment: string): string[] {
    return [...this.#of(comment).notes].sort();
  }
  forget(): void {
    this.#sums.clear();
  }

  /** All that was counted before this call is in the sums: two whole polls at least have been made since, and a few more for those put off. */
  async settled(polls = 3): Promise<void> {
    for (let i = 0; i < polls; i++) await Promise.race([new Promise<void>((resolve) => void this.#next.push(resolve)), this.#ended()]);
  }
  async #ended(): Promise<void> {
    await this.#done;
    throw new Error('the watch has ended');
  }

  async end(): Promise<void> {
    await this.#watch.close();
    await this.#done;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }
}
