// Elements as the kernel dumps them, put together again: the two elements of an interval are one range.
import type { ElementAttributes } from '../objects/element.ts';
import type { EntryRest } from './entries.ts';
import { compareBytes, predecessor } from './intervals.ts';

export interface DumpedElement {
  /** Absent for the catch-all element. */
  readonly low?: Uint8Array;
  readonly high?: Uint8Array;
  readonly rest: EntryRest;
}

const isEnd = (e: ElementAttributes): boolean => e.flags?.includes('interval end') === true;

function restOf(e: ElementAttributes): EntryRest {
  const { key: _1, keyEnd: _2, flags: _3, ...rest } = e;
  return rest;
}

/** Of an interval set of one field. The kernel's rbtree dumps in any order of a walk: sorted here by key. */
export function elementList(elements: readonly ElementAttributes[]): DumpedElement[] {
  const keyed = elements.filter((e) => e.key !== undefined);
  // Where one interval ends and the next starts, the end comes first.
  keyed.sort((a, b) => compareBytes(a.key as Uint8Array, b.key as Uint8Array) || Number(isEnd(b)) - Number(isEnd(a)));
  const out: DumpedElement[] = [];
  for (const [i, e] of keyed.entries()) {
    if (isEnd(e)) continue;
    const low = e.key as Uint8Array;
    const next = keyed[i + 1]?.key;
    // Up to the next element, be it an end or, where one is missing, another start; without any up to the last key.
    const high = next === undefined ? new Uint8Array(low.length).fill(0xff) : predecessor(next);
    out.push({ low, high: high ?? low, rest: restOf(e) });
  }
  for (const e of elements) if (e.key === undefined) out.push({ rest: restOf(e) });
  return out;
}

/** Of any other set. */
export function plainElements(elements: readonly ElementAttributes[]): DumpedElement[] {
  return elements.map((e) => (e.key === undefined ? { rest: restOf(e) } : { low: e.key, high: e.keyEnd ?? e.key, rest: restOf(e) }));
}
