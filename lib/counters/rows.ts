// Counters of rules as typed arrays, beside a structure that says which rule a row is. The structure stays the same object for as long as
// nothing but counters changes: a poll of a steady ruleset makes no other.
import { placed } from '../model/filter.ts';
import type { Counter, CounterSnapshot, InstalledRule, Place } from '../model/ruleset.ts';

/** What `indexOf` asks for. */
export interface RowQuery extends Partial<Place> {
  readonly comment?: string;
  readonly handle?: bigint;
}

export interface RuleStructure {
  readonly length: number;
  /** By row: the number of its chain, in order of appearance. */
  readonly chain: Uint32Array;
  /** By row; nf_tables only. */
  readonly handles?: BigUint64Array;
  /** By row: equal for rules that are the same but for counters, handle and place. */
  readonly contents: BigUint64Array;
  /** nf_tables, by tableKey: the table's own handle. One made anew has another, and numbers its rules again. */
  readonly tables?: ReadonlyMap<string, bigint>;
  /** By chain number: where its rules are, and its first row. */
  readonly places: readonly (Place & { readonly start: number })[];
  /** The rule, with what it has counted. */
  rule(row: number, counter: Counter | undefined): InstalledRule;
  /** By row 1 where the rule counts; absent: all do. */
  readonly counted?: Uint8Array;
}

/** The rows [start, end) of the chain with that number. */
export function chainRows(structure: RuleStructure, number: number): readonly [start: number, end: number] {
  return [structure.places[number]?.start ?? 0, structure.places[number + 1]?.start ?? structure.length];
}
/** By chainKey: the chain's number. */
export function chainNumbers({ places }: RuleStructure): Map<string, number> {
  return new Map(places.map((place, number) => [chainKey(place), number]));
}

/** Names a table, as handles of rules are numbered in one. */
export function tableKey({ family, table }: { readonly family: string; readonly table: string }): string {
  // Names may hold blanks, but no NUL.
  return `${family}\0${table}`;
}
export function chainKey(place: { readonly family: string; readonly table: string; readonly chain: string }): string {
  return `${tableKey(place)}\0${place.chain}`;
}

export interface Reading {
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly generation?: number;
  /** performance.timeOrigin milliseconds. */
  readonly takenAt: number;
  /** Legacy: the lock could not be had, so that this may have met somebody's commit between its rules and their counters. */
  readonly unlocked?: boolean;
  /** How many of this process's own resets were done before it: a place in the ledger. */
  readonly mark: number;
}

export class RuleCounters implements CounterSnapshot {
  readonly length: number;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly chain: Uint32Array;
  readonly handles?: BigUint64Array;
  readonly generation?: number;
  readonly takenAt: number;
  readonly unlocked?: boolean;
  /** @internal */
  readonly structure: RuleStructure;
  /** @internal */
  readonly mark: number;

  constructor(structure: RuleStructure, reading: Reading) {
    this.structure = structure;
    this.length = structure.length;
    this.chain = structure.chain;
    if (structure.handles !== undefined) this.handles = structure.handles;
    this.packets = reading.packets;
    this.bytes = reading.bytes;
    if (reading.generation !== undefined) this.generation = reading.generation;
    if (reading.unlocked === true) this.unlocked = true;
    this.takenAt = reading.takenAt;
    this.mark = reading.mark;
  }

  /** What row `i` has counted; undefined where the rule has no counter. */
  counter(i: number): Counter | undefined {
    if (this.structure.counted?.[i] === 0) return undefined;
    return { packets: this.packets[i] as bigint, bytes: this.bytes[i] as bigint };
  }

  row(i: number): InstalledRule {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) throw new RangeError(`row ${i} of ${this.length}`);
    return this.structure.rule(i, this.counter(i));
  }

  indexOf(where: RowQuery): number {
    const { places } = this.structure;
    for (const [number, place] of places.entries()) {
      if (!placed(place, where)) continue;
      const [start, end] = chainRows(this.structure, number);
      for (let row = start; row < end; row++) {
        if (where.handle !== undefined && this.handles?.[row] !== where.handle) continue;
        if (where.comment === undefined || this.row(row).comment === where.comment) return row;
      }
    }
    return -1;
  }
}
