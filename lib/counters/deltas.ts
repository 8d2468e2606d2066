// What was counted between two polls: never negative, never more than there is to see; what somebody's reset or replacement may have taken
// away is said.
import type { Counter, InstalledRule } from '../model/ruleset.ts';
import { AcrossRestores } from './across.ts';
import { at, beyond, isLess, larger, most, NOTHING, sum } from './arithmetic.ts';
import type { CounterLedger } from './ledger.ts';
import { byValue, matchRows, REPLACED, type RowMatch, SAME } from './match.ts';
import { Beginnings, handleKey, inOrder } from './own.ts';
import { chainKey, chainNumbers, chainRows, type RuleCounters, tableKey } from './rows.ts';

export interface RuleDelta {
  readonly rule: InstalledRule;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  /**
   * 'new': the rule was not there before; all its counter says, which is more than it counted where somebody gave it a count to begin with.
   * 'reset': the counter went back, so that what it counted before that, since the last poll, is not in the numbers (and, where somebody has put
   * back an earlier count, that count is). 'lower-bound': the rule was replaced or made anew, or stands among several alike of which some came
   * or went: it may have been more.
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

/** By row of `later` what is certain that it has counted, and which row it was, for those who know of no resets and restores of their own. */
export function countedBetween(earlier: RuleCounters, later: RuleCounters): Computed & Pick<RowMatch, 'before' | 'how'> {
  return compute(earlier, later, []);
}

function compute(
  earlier: RuleCounters,
  later: RuleCounters,
  entries: ReturnType<CounterLedger['between']>,
): Computed & Pick<RowMatch, 'before' | 'how'> {
  const out: Computed = {
    packets: new BigUint64Array(later.length),
    bytes: new BigUint64Array(later.length),
    notes: new Uint8Array(later.length),
  };
  const steady = earlier.structure === later.structure && entries.length === 0;
  const put = (row: number, { packets, bytes }: Counter, note: number): void => {
    out.packets[row] = packets;
    out.bytes[row] = bytes;
    out.notes[row] = note;
  };
  const own = inOrder(entries);
  const { before, how, alike } = matchRows(earlier.structure, later.structure, new Set(own.begun.keys()));
  const beginnings = own.begun.size === 0 ? undefined : new Beginnings(own.begun, earlier, later);
  const across = new AcrossRestores(own, earlier, later);
  const lostAt = (of: ReadonlyMap<string, Counter>, { structure, handles }: RuleCounters, row: number): Counter | undefined => {
    const place = of.size === 0 ? undefined : structure.places[structure.chain[row] as number];
    return place === undefined || handles === undefined ? undefined : of.get(handleKey(place, handles[row] as bigint));
  };
  for (let row = 0; row < later.length; row++) {
    if (steady && addPlain(out, earlier, later, row)) continue;
    const counter = at(later, row);
    const old = before[row] as number;
    const first = beginnings?.of(row);
    const candidates = alike.get(row);
    if (candidates !== undefined) {
      put(row, beyond(counter, first?.counter ?? most(earlier, candidates)), NOTE_LOWER_BOUND);
    } else if (old < 0) {
      // What one of our resets has read of its handle may have been another rule's.
      put(row, beyond(counter, first?.counter ?? NOTHING), first?.sure === false ? NOTE_LOWER_BOUND : NOTE_NEW);
    } else if (first?.looked === true) {
      const lost = { before: lostAt(own.swallowedBefore, earlier, old), after: lostAt(own.swallowed, later, row) };
      const { counted, mayLack } = across.of(row, how[row] === SAME ? old : undefined, first, lost);
      put(row, counted, mayLack ? NOTE_LOWER_BOUND : 0);
    } else {
      const replaced = how[row] === REPLACED;
      // And so where the rule was replaced.
      const now = sum(replaced ? undefined : lostAt(own.swallowed, later, row), counter);
      const was = at(earlier, old);
      const lost = lostAt(own.swallowedBefore, earlier, old);
      const kept = sum(lost, now);
      // A restore of ours that gave less than there was: what was counted before it is not known.
      const back = isLess(kept, was) || (first?.sure === true && isLess(sum(lost, first.counter), was));
      const place = own.dropped.size === 0 ? undefined : later.structure.places[later.chain[row] as number];
      const lacks = replaced || (place !== undefined && own.dropped.has(tableKey(place)));
      const note = lacks ? NOTE_LOWER_BOUND : back ? NOTE_RESET : 0;
      put(row, back ? sinceReset(now, was, first?.counter) : beyond(kept, was), note);
    }
  }
  if ((later.handles === undefined || beginnings !== undefined) && out.notes.includes(NOTE_RESET))
    doubtAlike(earlier, later, beginnings, out, put);
  return { ...out, before, how };
}

/** Nothing has happened but counting: no object is made for any of 100,000 rows. False: a counter went back. */
function addPlain({ packets, bytes }: Computed, earlier: RuleCounters, later: RuleCounters, row: number): boolean {
  const [p, wasP] = [later.packets[row] as bigint, earlier.packets[row] as bigint];
  const [b, wasB] = [later.bytes[row] as bigint, earlier.bytes[row] as bigint];
  if (p < wasP || b < wasB) return false;
  packets[row] = p - wasP;
  bytes[row] = b - wasB;
  return true;
}

/**
 * Where no handle tells, of several alike one may have gone and another come: where one of them went back, none is surely the one it was. What
 * exceeds all that any of them had counted was counted since, or what a restore of ours gave.
 */
function doubtAlike(
  earlier: RuleCounters,
  later: RuleCounters,
  beginnings: Beginnings | undefined,
  { notes }: Computed,
  put: (row: number, delta: Counter, note: number) => void,
): void {
  const chains = chainNumbers(earlier.structure);
  const rowsOf = ({ structure }: RuleCounters, i: number): Map<bigint, number[]> => byValue(structure.contents, ...chainRows(structure, i));
  for (const [i, place] of later.structure.places.entries()) {
    const [start, end] = chainRows(later.structure, i);
    const key = chainKey(place);
    if (later.handles !== undefined && beginnings?.has(key) !== true) continue;
    const number = chains.get(key);
    if (number === undefined || !notes.subarray(start, end).includes(NOTE_RESET)) continue;
    const old = rowsOf(earlier, number);
    for (const [content, rows] of rowsOf(later, i)) {
      const candidates = old.get(content);
      if (rows.length === 1 || candidates === undefined || !rows.some((row) => notes[row] === NOTE_RESET)) continue;
      const begun = rows.flatMap((row) => beginnings?.of(row)?.counter ?? []);
      const known = begun.length === rows.length ? begun.reduce(larger, NOTHING) : most(earlier, candidates);
      for (const row of rows) put(row, beyond(at(later, row), known), notes[row] === NOTE_RESET ? NOTE_RESET : NOTE_LOWER_BOUND);
    }
  }
}

/** A counter beyond this may have gone over 2^64 rather than back. */
const HALF = 1n << 63n;

/** Gone back: all that is sure is what was counted since, from what the rule began with. */
function sinceReset(now: Counter, was: Counter, first: Counter | undefined): Counter {
  const wrapped = (now.packets < was.packets && was.packets >= HALF) || (now.bytes < was.bytes && was.bytes >= HALF);
  if (!wrapped) return beyond(now, first ?? NOTHING);
  // One of the two has gone over 2^64, it seems, and the other just on: no reset then, and no more than it has gone on by.
  const one = (n: bigint, w: bigint): bigint => (n >= w ? n - w : n);
  return { packets: one(now.packets, was.packets), bytes: one(now.bytes, was.bytes) };
}
