// What the last few scopes polled have come to: who polls asks for the same ones.

const MOST = 16;

/** A map that forgets what was not asked for longest. */
export class Recent<K, V> {
  readonly #entries = new Map<K, V>();

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }
  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= MOST) break;
      this.#entries.delete(oldest);
    }
  }
  delete(key: K): void {
    this.#entries.delete(key);
  }
}
