// Which chains of a table have changed since somebody looked, as far as it is remembered.

/** Names that are remembered. Who has not looked for so long goes through all chains. */
const MOST = 10_000;

export class ChainHistory {
  #names: string[] = [];
  #forgotten = 0;

  /** Now. */
  get mark(): number {
    return this.#forgotten + this.#names.length;
  }
  add(chain: string): void {
    if (this.#names.length === MOST) {
      this.#names = this.#names.slice(MOST / 2);
      this.#forgotten += MOST / 2;
    }
    this.#names.push(chain);
  }
  /** Undefined: too long ago. */
  since(mark: number): ReadonlySet<string> | undefined {
    return mark < this.#forgotten ? undefined : new Set(this.#names.slice(mark - this.#forgotten));
  }
}
