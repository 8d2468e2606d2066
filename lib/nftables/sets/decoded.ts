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

/** By key: the kernel's rbtree dumps in any order of a walk. Where one range ends and the next starts, the end comes first. */
export function sortEdges<E extends { readonly isEnd: boolean }>(edges: E[], byKey: (a: E, b: E) => number): E[] {
  return edges.sort((a, b) => byKey(a, b) || Number(b.isEnd) - Number(a.isEnd));
}

/** Of an interval set of one field, in the order of their keys. */
export function elementList(elements: readonly ElementAttributes[]): DumpedElement[] {
  const edges = elements.flatMap((e) => (e.key === undefined ? [] : [{ key: e.key, isEnd: isEnd(e), e }]));
  sortEdges(edges, (a, b) => compareBytes(a.key, b.key));
  const out: DumpedElement[] = [];
  for (const [i, { e, isEnd }] of edges.entries()) if (!isEnd) out.push(rangeElement(e, edges[i + 1]?.key));
  for (const e of elements) if (e.key === undefined) out.push(plainElement(e));
  return out;
}

/** Up to the next key, be it of an end or, where one is missing, of another start; without any up to the last key. */
export function rangeElement(e: ElementAttributes, next: Uint8Array | undefined): DumpedElement {
  if (e.key === undefined) return plainElement(e);
  const low = e.key;
  const high = next === undefined ? new Uint8Array(low.length).fill(0xff) : predecessor(next);
  return { low, high: high ?? low, rest: restOf(e) };
}

/** Of any other set. */
export function plainElements(elements: readonly ElementAttributes[]): DumpedElement[] {
  return elements.map(plainElement);
}
export function plainElement(e: ElementAttributes): DumpedElement {
  return e.key === undefined ? { rest: restOf(e) } : { low: e.key, high: e.keyEnd ?? e.key, rest: restOf(e) };
}
