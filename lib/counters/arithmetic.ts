// Counters added, subtracted and compared, packets and bytes at once.
import type { Counter } from '../model/ruleset.ts';

export const NOTHING: Counter = { packets: 0n, bytes: 0n };

export interface Columns {
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
}
export function at(counters: Columns, row: number): Counter {
  return { packets: counters.packets[row] as bigint, bytes: counters.bytes[row] as bigint };
}
export function sum(a: Counter | undefined, b: Counter): Counter {
  return a === undefined ? b : { packets: a.packets + b.packets, bytes: a.bytes + b.bytes };
}
/** Either of the two is. */
export function isLess(a: Counter, b: Counter): boolean {
  return a.packets < b.packets || a.bytes < b.bytes;
}
export function isSame(a: Counter, b: Counter): boolean {
  return a.packets === b.packets && a.bytes === b.bytes;
}
export function larger(a: Counter, b: Counter): Counter {
  return { packets: a.packets > b.packets ? a.packets : b.packets, bytes: a.bytes > b.bytes ? a.bytes : b.bytes };
}
/** a - b, or nothing. */
export function beyond(a: Counter, b: Counter): Counter {
  return { packets: a.packets > b.packets ? a.packets - b.packets : 0n, bytes: a.bytes > b.bytes ? a.bytes - b.bytes : 0n };
}
/** Whether any is less than it was. */
export function wentBack(earlier: BigUint64Array, later: BigUint64Array): boolean {
  for (let i = 0; i < later.length; i++) if ((later[i] as bigint) < (earlier[i] as bigint)) return true;
  return false;
}
/** The most that any of `rows` had. */
export function most(counters: Columns, rows: readonly number[]): Counter {
  return rows.map((row) => at(counters, row)).reduce(larger, NOTHING);
}
