// What this process itself put back to zero, or gave a count to begin with, while somebody compares polls: without it a reset of ours would
// look like anybody's.
import type { Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Counter, Place } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import type { Columns } from './arithmetic.ts';
import { chainKey, chainNumbers, chainRows, type RuleCounters } from './rows.ts';

/** A rule's counter was read and put to zero: what it had counted is not lost. */
interface OwnReset {
  readonly kind: 'reset';
  readonly place: Place;
  readonly handle: bigint;
  readonly counter: Counter;
}
/** All rules of a chain were made anew, in order, with these counters. */
export interface OwnRestore {
  readonly kind: 'restore';
  readonly place: Place;
  readonly counters: readonly (Counter | undefined)[];
  /** What there was right before, where that is known. */
  readonly before?: ChainCounters;
}
/** The rules of one chain: rows [start, end) of these columns. */
export interface ChainCounters extends Columns {
  readonly contents: BigUint64Array;
  readonly start: number;
  readonly end: number;
  readonly unlocked: boolean;
}
const NO_RULES: ChainCounters = {
  packets: new BigUint64Array(),
  bytes: new BigUint64Array(),
  contents: new BigUint64Array(),
  start: 0,
  end: 0,
  unlocked: false,
};
export type LedgerEntry = OwnReset | OwnRestore;

/** How many counters entries may hold together: beyond that who compares polls begins anew. */
const MOST_COUNTERS = 500_000;

function weight(entry: LedgerEntry): number {
  if (entry.kind === 'reset') return 1;
  return 1 + entry.counters.length + (entry.before === undefined ? 0 : entry.before.end - entry.before.start);
}

export class CounterLedger {
  #weight = 0;
  #entries: LedgerEntry[] = [];
  /** How many entries came before the first that is kept. */
  #dropped = 0;
  /** Restores of ours that were begun, and those of them that have not ended. */
  #begun = 0;
  #open = 0;
  /** The marks of those who will still ask. */
  readonly #readers = new Set<{ mark: number }>();

  /** The place after all entries so far. */
  get mark(): number {
    return this.#dropped + this.#entries.length;
  }

  /** Entries are kept from now on, until `close`. */
  open(): { mark: number } {
    const reader = { mark: this.mark };
    this.#readers.add(reader);
    return reader;
  }
  close(reader: { mark: number }): void {
    this.#readers.delete(reader);
    this.#prune();
  }
  /** Entries before `mark` are not asked for again. */
  advance(reader: { mark: number }, mark: number): void {
    reader.mark = mark;
    this.#prune();
  }

  add(entry: LedgerEntry): void {
    if (this.#readers.size === 0) return;
    this.#entries.push(entry);
    this.#weight += weight(entry);
    if (this.#weight > MOST_COUNTERS) this.#drop(this.mark);
  }
  /** Whether entries after `mark` were dropped: nobody took the samples they were kept for. */
  lacks(mark: number): boolean {
    return mark < this.#dropped;
  }
  /** Whether anybody asks: what costs something to know need not be known otherwise. */
  get wanted(): boolean {
    return this.#readers.size > 0;
  }

  /** Runs what makes rules anew and then adds its entries: a poll meanwhile may see the one and not the other. */
  *during<T>(verb: () => Verb<T>): Verb<T> {
    this.#begun++;
    this.#open++;
    try {
      return yield* verb();
    } finally {
      this.#open--;
    }
  }
  /** What chains had counted right before we put something back; undefined where nobody asks, or where it can't be read. */
  *look(poll: () => Verb<RuleCounters>): Verb<ChainsBefore | undefined> {
    if (!this.wanted) return undefined;
    try {
      return chainsOf(yield* poll());
    } catch (err) {
      if (err instanceof NetfilterError) return undefined;
      throw err;
    }
  }

  /** Equal before and after a poll that no restore of ours has met; undefined: one is at work. */
  get calm(): number | undefined {
    return this.#open === 0 ? this.#begun : undefined;
  }

  between(from: number, to: number): readonly LedgerEntry[] {
    return this.#entries.slice(Math.max(0, from - this.#dropped), Math.max(0, to - this.#dropped));
  }

  #prune(): void {
    const oldest = Math.min(...[...this.#readers].map((r) => r.mark), this.mark);
    if (oldest <= this.#dropped) return;
    this.#drop(oldest);
  }
  #drop(before: number): void {
    this.#entries = this.#entries.slice(before - this.#dropped);
    this.#dropped = before;
    this.#weight = this.#entries.reduce((sum, entry) => sum + weight(entry), 0);
  }
}

export interface ChainsBefore {
  /** Chains that have rules. */
  readonly places: readonly Place[];
  of(place: Place): ChainCounters;
  /** Of a chain alone, so that nothing else of a large table is kept. */
  copyOf(place: Place): ChainCounters;
}

export function chainsOf({ structure, packets, bytes, unlocked = false }: RuleCounters): ChainsBefore {
  const numbers = chainNumbers(structure);
  const { places, contents } = structure;
  const of = (place: Place): ChainCounters => {
    const number = numbers.get(chainKey(place));
    if (number === undefined) return { ...NO_RULES, unlocked };
    const [start, end] = chainRows(structure, number);
    return { packets, bytes, contents, start, end, unlocked };
  };
  const copyOf = (place: Place): ChainCounters => {
    const { start, end } = of(place);
    const part = (column: BigUint64Array): BigUint64Array => column.slice(start, end);
    return { packets: part(packets), bytes: part(bytes), contents: part(contents), start: 0, end: end - start, unlocked };
  };
  return { places, of, copyOf };
}

const ledgers = new WeakMap<Connection, CounterLedger>();

export function ledgerOf(connection: Connection): CounterLedger {
  let ledger = ledgers.get(connection);
  if (ledger === undefined) ledgers.set(connection, (ledger = new CounterLedger()));
  return ledger;
}
