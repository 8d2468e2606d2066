// What our own resets and restores between two polls mean for the rows of the later one.
import type { Counter, Place } from '../model/ruleset.ts';
import { isSame, larger, NOTHING, sum } from './arithmetic.ts';
import type { LedgerEntry, OwnRestore } from './ledger.ts';
import { chainKey, chainNumbers, chainRows, type RuleCounters, tableKey } from './rows.ts';

export interface Own {
  /** By chainKey, of chains whose rules we made anew: every time we did. */
  readonly begun: ReadonlyMap<string, readonly OwnRestore[]>;
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
  const begun = new Map<string, OwnRestore[]>();
  /** By tableKey, then by handleKey. */
  const sinceRestore = new Map<string, Map<string, Counter>>();
  const swallowedBefore = new Map<string, Counter>();
  const restored = new Set<string>();
  const dropped = new Set<string>();
  for (const entry of entries) {
    const table = tableKey(entry.place);
    if (entry.kind === 'reset') {
      const key = handleKey(entry.place, entry.handle);
      let read = sinceRestore.get(table);
      if (read === undefined) sinceRestore.set(table, (read = new Map()));
      read.set(key, sum(read.get(key), entry.counter));
      continue;
    }
    const key = chainKey(entry.place);
    const restores = begun.get(key);
    if (restores === undefined) begun.set(key, [entry]);
    else restores.push(entry);
    const read = sinceRestore.get(table);
    // What was reset between two restores was numbered by the first, of which nobody has seen anything.
    if (read !== undefined && restored.has(table)) dropped.add(table);
    else for (const [handle, counter] of read ?? []) swallowedBefore.set(handle, counter);
    sinceRestore.delete(table);
    restored.add(table);
  }
  const swallowed = new Map([...sinceRestore.values()].flatMap((read) => [...read]));
  return { begun, swallowed, swallowedBefore, dropped };
}

export interface Beginning {
  readonly counter: Counter;
  /** False: the most that any rule of the chain began with. */
  readonly sure: boolean;
  /** The most that any rule of the chain began with. */
  readonly most: Counter;
  /** What there was right before was read. */
  readonly looked: boolean;
}

/** Of all rules of a chain, or by place in it. */
type ChainBeginning = Beginning | (Pick<Beginning, 'most' | 'looked'> & { readonly counters: readonly Counter[] });

/** What the rules of chains that we made anew began with. */
export class Beginnings {
  readonly #begun: Own['begun'];
  readonly #earlier: RuleCounters;
  readonly #later: RuleCounters;
  readonly #chains = new Map<number, ChainBeginning | undefined>();
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
    if (found === undefined || !('counters' in found)) return found;
    const { counters, most, looked } = found;
    return { counter: counters[row - (this.#later.structure.places[number]?.start ?? 0)] as Counter, sure: true, most, looked };
  }

  /** By place in the chain where its rules are those there were before; others may have come and gone since the restore. */
  #ofChain(number: number): ChainBeginning | undefined {
    const { structure } = this.#later;
    const place = structure.places[number];
    const last = place === undefined ? undefined : this.#begun.get(chainKey(place))?.at(-1);
    if (place === undefined || last === undefined) return undefined;
    const counters = last.counters.map((c) => c ?? NOTHING);
    const most = counters.reduce(larger, NOTHING);
    const looked = last.before !== undefined;
    const now = structure.contents.subarray(...chainRows(structure, number));
    // Others have come since where there are more.
    if (now.length <= counters.length && counters.every((c) => isSame(c, most))) return { counter: most, sure: true, most, looked };
    const before = this.#earlier.structure;
    const at = this.#before.get(chainKey(place));
    const old = at === undefined ? [] : before.contents.subarray(...chainRows(before, at));
    const same = now.length === old.length && now.length === counters.length && now.every((content, i) => content === old[i]);
    return same ? { counters, most, looked } : { counter: most, sure: false, most, looked };
  }
}
