// Builtin chains that were seen to be as iptables makes them: they are not looked at again before every command. What was seen holds in one
// generation of the ruleset; commits that build on it are conditional on that.

export class KnownChains {
  #generation: number | undefined;
  /** `table chain`. */
  readonly #names = new Set<string>();

  /** The generation that all of them are known to be there in; undefined: none is known. */
  get generation(): number | undefined {
    return this.#generation;
  }
  has(generation: number | undefined, table: string, chain: string): boolean {
    return this.#generation !== undefined && this.#generation === generation && this.#names.has(`${table} ${chain}`);
  }
  /** `generation16`: its low bits, as a dump tells them. */
  hasIn(generation16: number, table: string, chain: string): boolean {
    return this.#generation !== undefined && (this.#generation & 0xffff) === generation16 && this.#names.has(`${table} ${chain}`);
  }

  /** What was seen in another generation is forgotten. */
  lookAt(generation: number): void {
    if (this.#generation !== generation) this.#names.clear();
    this.#generation = generation;
  }
  /** Seen after `generation` was read. */
  add(generation: number, table: string, chain: string): void {
    this.lookAt(generation);
    this.#names.add(`${table} ${chain}`);
  }
  /** A commit of ours, which leaves builtin chains as they are, made `to`: of `from`, where it was conditional. */
  committed(from: number | undefined, to: number): void {
    if (this.#generation === undefined) return;
    const before = from ?? to - 1;
    if (this.#generation === before) this.#generation = to;
    else this.clear();
  }
  /** A table began anew, with the chains that were asked for. */
  forget(table: string): void {
    for (const name of this.#names) if (name.startsWith(`${table} `)) this.#names.delete(name);
  }
  clear(): void {
    this.#generation = undefined;
    this.#names.clear();
  }
}
