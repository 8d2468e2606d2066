// Counters of what is no rule: base chains, counters, quotas, which are few beside rules and read at once; and elements of sets, which may be
// as many as rules, and are read when they are looked at.
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

/** Where the rows come from: what each has counted, and what it is once it is looked at. */
export interface RowSource<T> {
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  /** Asked only for rows there are. */
  row(i: number): T;
  indexOf(where: Partial<T>): number;
}

export function countersOf<T extends object>(source: RowSource<T>, generation?: number): NamedCounters<T> {
  const { packets, bytes } = source;
  const { length } = packets;
  return {
    length,
    packets,
    bytes,
    takenAt: performance.timeOrigin + performance.now(),
    ...(generation === undefined ? {} : { generation }),
    row: (i) => {
      if (!Number.isInteger(i) || i < 0 || i >= length) throw new RangeError(`row ${i} of ${length}`);
      return source.row(i);
    },
    indexOf: (where) => source.indexOf(where),
  };
}

export interface NamedRow<T> {
  readonly of: T;
  readonly packets: bigint;
  readonly bytes: bigint;
}

/** Of rows that have been read already. */
export function namedCounters<T extends object>(rows: readonly NamedRow<T>[], generation?: number): NamedCounters<T> {
  const source: RowSource<T> = {
    packets: BigUint64Array.from(rows, (r) => r.packets),
    bytes: BigUint64Array.from(rows, (r) => r.bytes),
    row: (i) => (rows[i] as NamedRow<T>).of,
    indexOf: (where) => rows.findIndex(({ of }) => (Object.keys(where) as (keyof T)[]).every((key) => of[key] === where[key])),
  };
  return countersOf(source, generation);
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
