// What our own resets and restores between two polls mean for the rows of the later one.
import type { Counter, Place } from '../model/ruleset.ts';
import { isSame, larger, NOTHING, sum } from './arithmetic.ts';
import type { LedgerEntry } from './ledger.ts';
import { chainKey, chainNumbers, chainRows, type RuleCounters, tableKey } from './rows.ts';

export interface Own {
  /** By chainKey: what the rules of chains began with that we made anew, the last time. */
  readonly begun: ReadonlyMap<string, readonly (Counter | undefined)[]>;
  /** By handleKey: what our resets have read, by the handles of now; and by those of before a restore, which numbers the rules of a table again. */
  readonly swallowed: ReadonlyMap<string, Counter>;
  readonly swallowedBefore: ReadonlyMap<string, Counter>;
  /** By tableKey: where what a reset has read is of handles that nobody knows. */
  readonly dropped: ReadonlySet<string>;
}

export function handleKey(place: Pick<Place, 'family' | 'table'>, handle: bigint): string {
  return `${tableKey(place)}\0${handle}`;
}

export function inOrder(entries: readonly LedgerEntry[]): Own {
  const begun = new Map<string, readonly (Counter | undefined)[]>();
  const swallowed = new Map<string, Counter>();
  const swallowedBefore = new Map<string, Counter>();
  const restored = new Set<string>();
  const dropped = new Set<string>();
  for (const entry of entries) {
    const table = tableKey(entry.place);
    if (entry.kind === 'reset') {
      const key = handleKey(entry.place, entry.handle);
      swallowed.set(key, sum(swallowed.get(key), entry.counter));
      continue;
    }
    begun.set(chainKey(entry.place), entry.counters);
    if (swallowed.size === 0) {
      restored.add(table);
      continue;
    }
    for (const [key, counter] of swallowed) {
      if (!key.startsWith(`${table}\0`)) continue;
      swallowed.delete(key);
      // What was reset between two restores was numbered by the first, of which nobody has seen anything.
      if (restored.has(table)) dropped.add(table);
      else swallowedBefore.set(key, counter);
    }
    restored.add(table);
  }
  return { begun, swallowed, swallowedBefore, dropped };
}

export interface Beginning {
  readonly counter: Counter;
  /** False: the most that any rule of the chain began with. */
  readonly sure: boolean;
}

/** What the rules of chains that we made anew began with. */
export class Beginnings {
  readonly #begun: Own['begun'];
  readonly #earlier: RuleCounters;
  readonly #later: RuleCounters;
  readonly #chains = new Map<number, readonly Counter[] | Beginning | undefined>();
  /** By chainKey: the chain's number before. */
  readonly #before: ReadonlyMap<string, number>;

  constructor(begun: Own['begun'], earlier: RuleCounters, later: RuleCounters) {
    this.#begun = begun;
    this.#earlier = earlier;
    this.#later = later;
    this.#before = begun.size === 0 ? new Map() : chainNumbers(earlier.structure);
  }
  has(key: string): boolean {
    return this.#begun.has(key);
  }
  of(row: number): Beginning | undefined {
    const number = this.#later.chain[row] as number;
    if (!this.#chains.has(number)) this.#chains.set(number, this.#ofChain(number));
    const found = this.#chains.get(number);
    if (found === undefined || 'sure' in found) return found;
    return { counter: found[row - (this.#later.structure.places[number]?.start ?? 0)] as Counter, sure: true };
  }

  /** By place in the chain where its rules are those there were before; others may have come and gone since the restore. */
  #ofChain(number: number): readonly Counter[] | Beginning | undefined {
    const { structure } = this.#later;
    const place = structure.places[number];
    const given = place === undefined ? undefined : this.#begun.get(chainKey(place));
    if (place === undefined || given === undefined) return undefined;
    const counters = given.map((c) => c ?? NOTHING);
    const counter = counters.reduce(larger, NOTHING);
    const now = structure.contents.subarray(...chainRows(structure, number));
    // Others have come since where there are more.
    if (now.length <= counters.length && counters.every((c) => isSame(c, counter))) return { counter, sure: true };
    const before = this.#earlier.structure;
    const at = this.#before.get(chainKey(place));
    const old = at === undefined ? [] : before.contents.subarray(...chainRows(before, at));
    const same = now.length === old.length && now.length === counters.length && now.every((content, i) => content === old[i]);
    return same ? counters : { counter, sure: false };
  }
}
