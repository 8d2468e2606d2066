// Counters of rules as typed arrays, beside a structure that says which rule a row is. The structure stays the same object for as long as
// nothing but counters changes: a poll of a steady ruleset makes no other.
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
  /** By chain number: where its rules are, and its first row. */
  readonly places: readonly (Place & { readonly start: number })[];
  /** The rule, with what it has counted. */
  rule(row: number, counter: Counter | undefined): InstalledRule;
  /** By row 1 where the rule counts; absent: all do. */
  readonly counted?: Uint8Array;
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
  /** Legacy: the lock was held by somebody, whose commit this may have met between its rules and their counters. */
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
      if (!isAt(place, where)) continue;
      const end = places[number + 1]?.start ?? this.length;
      for (let row = place.start; row < end; row++) {
        if (where.handle !== undefined && this.handles?.[row] !== where.handle) continue;
        if (where.comment === undefined || this.row(row).comment === where.comment) return row;
      }
    }
    return -1;
  }
}

function isAt(place: Place, where: Partial<Place>): boolean {
  return (
    (where.family ?? place.family) === place.family &&
    (where.table ?? place.table) === place.table &&
    (where.chain ?? place.chain) === place.chain
  );
}
