// Counters of things that have a name: base chains, counters, quotas, elements of sets. Few beside rules, so each row is read at once.
import type { Family } from '../model/ruleset.ts';

/** Rows in the kernel's order. */
export interface NamedCounters<T> {
  readonly length: number;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  /** nf_tables only. */
  readonly generation?: number;
  /** performance.timeOrigin milliseconds. */
  readonly takenAt: number;
  row(i: number): T;
  /** The first row whose properties are those of `where`, or -1. */
  indexOf(where: Partial<T>): number;
}

export interface NamedRow<T> {
  readonly of: T;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** `indexOf`: of rows that are no plain values. */
export function namedCounters<T extends object>(
  rows: readonly NamedRow<T>[],
  generation?: number,
  indexOf?: (where: Partial<T>) => number,
): NamedCounters<T> {
  return {
    length: rows.length,
    packets: BigUint64Array.from(rows, (r) => r.packets),
    bytes: BigUint64Array.from(rows, (r) => r.bytes),
    takenAt: performance.timeOrigin + performance.now(),
    ...(generation === undefined ? {} : { generation }),
    row: (i) => {
      const found = rows[i];
      if (found === undefined) throw new RangeError(`row ${i} of ${rows.length}`);
      return found.of;
    },
    indexOf: indexOf ?? ((where) => rows.findIndex(({ of }) => (Object.keys(where) as (keyof T)[]).every((key) => of[key] === where[key]))),
  };
}

/** A base chain with what its packets came to at its end: those no rule has decided (iptables' policy counters). */
export interface CountedChain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly policy?: 'accept' | 'drop';
}
/** A counter or quota by name. */
export interface CountedObject {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
}
