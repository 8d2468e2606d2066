// What was counted between two polls: never negative, never more than there is to see; what somebody's reset or replacement may have taken
// away is said.
import type { Counter, InstalledRule, Place } from '../model/ruleset.ts';
import type { CounterLedger } from './ledger.ts';
import { byValue, matchRows, REPLACED } from './match.ts';
import { chainKey, type RuleCounters, tableKey } from './rows.ts';

export interface RuleDelta {
  readonly rule: InstalledRule;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  /**
   * 'new': the rule was not there before; what it has counted since. 'reset': the counter went back, so that what it counted before that, since
   * the last poll, is not in the numbers. 'lower-bound': the rule was replaced, or stands among several alike of which some came or went: it
   * may have been more.
   */
  readonly note?: 'new' | 'reset' | 'lower-bound';
}

/** The deltas of all rows of `later` that count, made as they are asked for. */
export class RuleDeltas implements Iterable<RuleDelta> {
  readonly #earlier: RuleCounters;
  readonly #later: RuleCounters;
  readonly #own: ReturnType<CounterLedger['between']>;
  #rows: Computed | undefined;

  constructor(earlier: RuleCounters, later: RuleCounters, ledger: CounterLedger) {
    this.#earlier = earlier;
    this.#later = later;
    // What the ledger says is pruned later.
    this.#own = ledger.between(earlier.mark, later.mark);
  }
  *[Symbol.iterator](): Iterator<RuleDelta> {
    const { packets, bytes, notes } = this.#computed();
    const later = this.#later;
    const seconds = Math.max(0.001, (later.takenAt - this.#earlier.takenAt) / 1000);
    for (let row = 0; row < later.length; row++) {
      if (later.structure.counted?.[row] === 0) continue;
      const note = noteNames[notes[row] as number];
      const [p, b] = [packets[row] as bigint, bytes[row] as bigint];
      yield {
        rule: later.row(row),
        packets: p,
        bytes: b,
        packetsPerSecond: Number(p) / seconds,
        bytesPerSecond: Number(b) / seconds,
        ...(note === undefined ? {} : { note }),
      };
    }
  }

  /** Whether any counter is less than it was. */
  get wentBack(): boolean {
    return this.#computed().notes.includes(NOTE_RESET);
  }

  #computed(): Computed {
    this.#rows ??= compute(this.#earlier, this.#later, this.#own);
    return this.#rows;
  }
}

const noteNames = [undefined, 'new', 'reset', 'lower-bound'] as const;
const NOTE_NEW = 1;
const NOTE_RESET = 2;
const NOTE_LOWER_BOUND = 3;

interface Computed {
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly notes: Uint8Array;
}

function compute(earlier: RuleCounters, later: RuleCounters, own: ReturnType<CounterLedger['between']>): Computed {
  const out: Computed = {
    packets: new BigUint64Array(later.length),
    bytes: new BigUint64Array(later.length),
    notes: new Uint8Array(later.length),
  };
  const put = (row: number, { packets, bytes }: Counter, note: number): void => {
    out.packets[row] = packets;
    out.bytes[row] = bytes;
    out.notes[row] = note;
  };
  const { begun, swallowed, before: swallowedBefore } = inOrder(own);
  const { before, how, alike } = matchRows(earlier.structure, later.structure, new Set(begun.keys()));
  const { places } = later.structure;
  const lostAt = (of: ReadonlyMap<string, Counter>, { structure, handles }: RuleCounters, row: number): Counter | undefined => {
    const place = of.size === 0 ? undefined : structure.places[structure.chain[row] as number];
    return place === undefined || handles === undefined ? undefined : of.get(handleKey(place, handles[row] as bigint));
  };
  for (let row = 0; row < later.length; row++) {
    const now = sum(lostAt(swallowed, later, row), at(later, row));
    const old = before[row] as number;
    const place = places[later.chain[row] as number];
    const first = place === undefined || begun.size === 0 ? undefined : initial(begun, later, place, row);
    const candidates = alike.get(row);
    if (candidates !== undefined) {
      const counter = at(later, row);
      put(row, first === undefined ? beyond(counter, earlier, candidates) : atLeastZero(counter, first), NOTE_LOWER_BOUND);
    } else if (old < 0) {
      // What was read before it came may have been another's by that handle.
      put(row, atLeastZero(at(later, row), first ?? NOTHING), NOTE_NEW);
    } else {
      const was = at(earlier, old);
      const lost = lostAt(swallowedBefore, earlier, old);
      const kept = sum(lost, now);
      // A restore of ours that gave less than there was: what was counted before it is not known.
      const back = isLess(kept, was) || (first !== undefined && isLess(sum(lost, first), was));
      const note = how[row] === REPLACED ? NOTE_LOWER_BOUND : back ? NOTE_RESET : 0;
      put(row, back ? sinceReset(now, was, first) : { packets: kept.packets - was.packets, bytes: kept.bytes - was.bytes }, note);
    }
  }
  if (later.handles === undefined && out.notes.includes(NOTE_RESET)) doubtAlike(earlier, later, out, put);
  return out;
}

interface Own {
  /** What the rules of chains began with that we made anew, the last time. */
  readonly begun: ReadonlyMap<string, readonly (Counter | undefined)[]>;
  /** What our resets have read, by the handles of now; and by those of before a restore, which numbers the rules of a table again. */
  readonly swallowed: ReadonlyMap<string, Counter>;
  readonly before: ReadonlyMap<string, Counter>;
}

function inOrder(own: ReturnType<CounterLedger['between']>): Own {
  const begun = new Map<string, readonly (Counter | undefined)[]>();
  const swallowed = new Map<string, Counter>();
  const before = new Map<string, Counter>();
  const restored = new Set<string>();
  for (const entry of own) {
    const table = `${tableKey(entry.place)} `;
    if (entry.kind === 'reset') {
      const key = handleKey(entry.place, entry.handle);
      swallowed.set(key, sum(swallowed.get(key), entry.counter));
      continue;
    }
    begun.set(chainKey(entry.place), entry.counters);
    for (const [key, counter] of swallowed) {
      if (!key.startsWith(table)) continue;
      swallowed.delete(key);
      // What was reset between two restores was numbered by the first, of which nobody has seen anything.
      if (!restored.has(table)) before.set(key, counter);
    }
    restored.add(table);
  }
  return { begun, swallowed, before };
}

/**
 * Without handles, of several alike one may have gone and another come: where one of them went back, none is surely the one it was. What exceeds
 * all that any of them had counted was counted since.
 */
function doubtAlike(
  earlier: RuleCounters,
  later: RuleCounters,
  { notes }: Computed,
  put: (row: number, delta: Counter, note: number) => void,
): void {
  const chains = new Map(earlier.structure.places.map((p, i) => [chainKey(p), i]));
  const rowsOf = ({ structure, length }: RuleCounters, i: number): Map<bigint, number[]> =>
    byValue(structure.contents, structure.places[i]?.start ?? 0, structure.places[i + 1]?.start ?? length);
  for (const [i, place] of later.structure.places.entries()) {
    const end = later.structure.places[i + 1]?.start ?? later.length;
    const number = chains.get(chainKey(place));
    if (number === undefined || !notes.subarray(place.start, end).includes(NOTE_RESET)) continue;
    const old = rowsOf(earlier, number);
    for (const [content, rows] of rowsOf(later, i)) {
      const candidates = old.get(content);
      if (rows.length === 1 || candidates === undefined || !rows.some((row) => notes[row] === NOTE_RESET)) continue;
      for (const row of rows)
        put(row, beyond(at(later, row), earlier, candidates), notes[row] === NOTE_RESET ? NOTE_RESET : NOTE_LOWER_BOUND);
    }
  }
}

const NOTHING: Counter = { packets: 0n, bytes: 0n };
/** A counter beyond this may have gone over 2^64 rather than back. */
const HALF = 1n << 63n;

function at(counters: RuleCounters, row: number): Counter {
  return { packets: counters.packets[row] as bigint, bytes: counters.bytes[row] as bigint };
}
function handleKey(place: Pick<Place, 'family' | 'table'>, handle: bigint): string {
  return `${tableKey(place)} ${handle}`;
}
function sum(a: Counter | undefined, b: Counter): Counter {
  return a === undefined ? b : { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
function isLess(a: Counter, b: Counter): boolean {
  return a.packets < b.packets || a.bytes < b.bytes;
}
function atLeastZero(a: Counter, b: Counter): Counter {
  return { packets: a.packets > b.packets ? a.packets - b.packets : 0n, bytes: a.bytes > b.bytes ? a.bytes - b.bytes : 0n };
}

/** Gone back: all that is sure is what was counted since, from what the rule began with. */
function sinceReset(now: Counter, was: Counter, first: Counter | undefined): Counter {
  const wrapped = (now.packets < was.packets && was.packets >= HALF) || (now.bytes < was.bytes && was.bytes >= HALF);
  if (!wrapped) return atLeastZero(now, first ?? NOTHING);
  // One of the two has gone over 2^64, it seems, and the other just on: no reset then, and no more than it has gone on by.
  const one = (n: bigint, w: bigint): bigint => (n >= w ? n - w : n);
  return { packets: one(now.packets, was.packets), bytes: one(now.bytes, was.bytes) };
}

/** What a counter has beyond the most that any of `rows` had. */
function beyond(now: Counter, earlier: RuleCounters, rows: readonly number[]): Counter {
  let most = NOTHING;
  for (const row of rows) {
    const { packets, bytes } = at(earlier, row);
    most = { packets: packets > most.packets ? packets : most.packets, bytes: bytes > most.bytes ? bytes : most.bytes };
  }
  return atLeastZero(now, most);
}

/** What a rule of a chain that we made anew began with; only where the chain still has as many rules. */
function initial(
  begun: ReadonlyMap<string, readonly (Counter | undefined)[]>,
  later: RuleCounters,
  place: RuleCounters['structure']['places'][number],
  row: number,
): Counter | undefined {
  const counters = begun.get(chainKey(place));
  if (counters === undefined) return undefined;
  const number = later.chain[row] as number;
  const end = later.structure.places[number + 1]?.start ?? later.length;
  return end - place.start === counters.length ? counters[row - place.start] : undefined;
}
