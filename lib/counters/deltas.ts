// What was counted between two polls: never negative, never more than there is to see; what somebody's reset or replacement may have taken
// away is said.
import type { Counter, InstalledRule } from '../model/ruleset.ts';
import type { CounterLedger } from './ledger.ts';
import { AMBIGUOUS, chainKey, matchRows, NEW, REPLACED } from './match.ts';
import type { RuleCounters } from './rows.ts';

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
  const packets = new BigUint64Array(later.length);
  const bytes = new BigUint64Array(later.length);
  const notes = new Uint8Array(later.length);
  const swallowed = new Map<bigint, Counter>();
  const begun = new Map<string, readonly (Counter | undefined)[]>();
  for (const entry of own) {
    if (entry.kind === 'restore') begun.set(chainKey(entry.place), entry.counters);
    else swallowed.set(entry.handle, sum(swallowed.get(entry.handle), entry.counter));
  }
  const { before, how } = matchRows(earlier.structure, later.structure, new Set(begun.keys()));
  const { places } = later.structure;
  for (let row = 0; row < later.length; row++) {
    const now: Counter = { packets: later.packets[row] as bigint, bytes: later.bytes[row] as bigint };
    const old = before[row] as number;
    const place = places[later.chain[row] as number];
    const first = place === undefined ? undefined : initial(begun, later, place, row);
    if (old < 0) {
      const since = first === undefined ? now : atLeastZero(now, first);
      packets[row] = since.packets;
      bytes[row] = since.bytes;
      notes[row] = how[row] === REPLACED ? NOTE_LOWER_BOUND : NOTE_NEW;
      continue;
    }
    const was: Counter = { packets: earlier.packets[old] as bigint, bytes: earlier.bytes[old] as bigint };
    const kept = sum(swallowed.get(later.handles?.[row] ?? -1n), now);
    const back = kept.packets < was.packets || kept.bytes < was.bytes;
    // Gone back: all that is sure is what was counted since, from what the rule began with.
    const delta = back ? atLeastZero(now, first ?? NOTHING) : { packets: kept.packets - was.packets, bytes: kept.bytes - was.bytes };
    packets[row] = delta.packets;
    bytes[row] = delta.bytes;
    notes[row] = back ? NOTE_RESET : how[row] === AMBIGUOUS ? NOTE_LOWER_BOUND : how[row] === NEW ? NOTE_NEW : 0;
  }
  return { packets, bytes, notes };
}

const NOTHING: Counter = { packets: 0n, bytes: 0n };

function sum(a: Counter | undefined, b: Counter): Counter {
  return a === undefined ? b : { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
function atLeastZero(a: Counter, b: Counter): Counter {
  return { packets: a.packets > b.packets ? a.packets - b.packets : 0n, bytes: a.bytes > b.bytes ? a.bytes - b.bytes : 0n };
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
