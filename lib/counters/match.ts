// Which row of one poll is which of another. nf_tables: the same handle and the same content, since a replaced rule keeps its handle.
// Legacy, and rules that a restore of ours made anew: the same content in the same chain, in order.
import type { RuleStructure } from './rows.ts';

/** How a row came to be. */
export const SAME = 0;
export const NEW = 1;
/** The handle was another rule's. */
export const REPLACED = 2;
/** One of several alike, of which some came or went: which one it is cannot be told. */
export const AMBIGUOUS = 3;

export interface RowMatch {
  /** By row of the later poll: the row it was, or -1. */
  readonly before: Int32Array;
  /** By row of the later poll: one of the above. */
  readonly how: Uint8Array;
}

/** `remade`: keys of chains (see `chainKey`) whose rules were made anew by us: their handles say nothing. */
export function matchRows(earlier: RuleStructure, later: RuleStructure, remade: ReadonlySet<string>): RowMatch {
  const before = new Int32Array(later.length).fill(-1);
  const how = new Uint8Array(later.length).fill(NEW);
  const match = { before, how };
  if (earlier === later) {
    for (let row = 0; row < later.length; row++) before[row] = row;
    how.fill(SAME);
    return match;
  }
  const { handles } = later;
  if (handles !== undefined && earlier.handles !== undefined) byHandle(earlier, earlier.handles, later, handles, match);
  byContent(earlier, later, match, handles === undefined ? undefined : remade);
  return match;
}

export function chainKey(place: { readonly family: string; readonly table: string; readonly chain: string }): string {
  return `${place.family} ${place.table} ${place.chain}`;
}

function byHandle(
  earlier: RuleStructure,
  old: BigUint64Array,
  later: RuleStructure,
  handles: BigUint64Array,
  { before, how }: RowMatch,
): void {
  const rows = new Map<bigint, number>();
  for (let row = 0; row < old.length; row++) rows.set(old[row] as bigint, row);
  for (let row = 0; row < handles.length; row++) {
    const found = rows.get(handles[row] as bigint);
    if (found === undefined) continue;
    const same = earlier.contents[found] === later.contents[row];
    if (same) before[row] = found;
    how[row] = same ? SAME : REPLACED;
  }
}

/** Chain by chain; `only`: of those chains, rows that no handle has told. */
function byContent(earlier: RuleStructure, later: RuleStructure, { before, how }: RowMatch, only: ReadonlySet<string> | undefined): void {
  if (only?.size === 0) return;
  const chains = new Map(earlier.places.map((p, i) => [chainKey(p), [p.start, earlier.places[i + 1]?.start ?? earlier.length] as const]));
  for (const [i, place] of later.places.entries()) {
    const key = chainKey(place);
    const rows = chains.get(key);
    if (rows === undefined || (only !== undefined && !only.has(key))) continue;
    const end = later.places[i + 1]?.start ?? later.length;
    const [oldStart, oldEnd] = rows;
    const alike = new Map<bigint, { readonly rows: number[]; later: number }>();
    for (let row = oldStart; row < oldEnd; row++) {
      const content = earlier.contents[row] as bigint;
      const found = alike.get(content);
      if (found === undefined) alike.set(content, { rows: [row], later: 0 });
      else found.rows.push(row);
    }
    for (let row = place.start; row < end; row++) {
      const found = how[row] === SAME ? undefined : alike.get(later.contents[row] as bigint);
      if (found === undefined) continue;
      const old = found.rows[found.later++];
      if (old === undefined) continue;
      before[row] = old;
      how[row] = SAME;
    }
    // Of several alike where some came or went, no row is surely the one it was.
    for (let row = place.start; row < end; row++) {
      const found = alike.get(later.contents[row] as bigint);
      if (found === undefined || found.rows.length === 1 || how[row] !== SAME) continue;
      if (found.later !== found.rows.length || countOf(later, place.start, end, later.contents[row] as bigint) !== found.rows.length)
        how[row] = AMBIGUOUS;
    }
  }
}

function countOf(structure: RuleStructure, start: number, end: number, content: bigint): number {
  let count = 0;
  for (let row = start; row < end; row++) if (structure.contents[row] === content) count++;
  return count;
}
