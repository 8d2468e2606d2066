// Which row of one poll is which of another. nf_tables: the same handle of the same table and the same content, since a replaced rule keeps its
// handle. Legacy, and rules that a restore of ours made anew: the same content in the same chain, in order.
import { chainKey, type RuleStructure, tableKey } from './rows.ts';

/** How a row came to be. */
export const SAME = 0;
export const NEW = 1;
/** The handle was another rule's, or one of the same content has gone from the chain: it may be that one, made anew. */
export const REPLACED = 2;
/** One of several alike, of which some came or went: which one it is cannot be told. */
export const AMBIGUOUS = 3;

export interface RowMatch {
  /** By row of the later poll: the row it was, or -1. */
  readonly before: Int32Array;
  /** By row of the later poll: one of the above. */
  readonly how: Uint8Array;
  /** By row that is AMBIGUOUS: all it may have been. */
  readonly alike: ReadonlyMap<number, readonly number[]>;
}

interface Matching extends RowMatch {
  readonly alike: Map<number, readonly number[]>;
  /** By row of the earlier poll: 1 where a handle has told what it is. */
  readonly taken: Uint8Array;
}

/** `remade`: keys of chains (see `chainKey`) whose rules were made anew by us: their handles say nothing. */
export function matchRows(earlier: RuleStructure, later: RuleStructure, remade: ReadonlySet<string>): RowMatch {
  const match: Matching = {
    before: new Int32Array(later.length).fill(-1),
    how: new Uint8Array(later.length).fill(NEW),
    alike: new Map(),
    taken: new Uint8Array(earlier.length),
  };
  if (earlier === later) {
    for (let row = 0; row < later.length; row++) match.before[row] = row;
    match.how.fill(SAME);
    return match;
  }
  const handles = later.handles !== undefined && earlier.handles !== undefined;
  if (handles) byHandle(earlier, earlier.handles, later, later.handles, remade, match);
  const chains = new Map(earlier.places.map((p, i) => [chainKey(p), rowsOf(earlier, i)]));
  for (const [i, place] of later.places.entries()) {
    const key = chainKey(place);
    const rows = chains.get(key);
    if (rows === undefined) continue;
    if (!handles || remade.has(key)) byContent(earlier, rows, later, rowsOf(later, i), match);
    else madeAnew(earlier, rows, later, rowsOf(later, i), match);
  }
  return match;
}

type Rows = readonly [start: number, end: number];

function rowsOf(structure: RuleStructure, place: number): Rows {
  return [structure.places[place]?.start ?? 0, structure.places[place + 1]?.start ?? structure.length];
}

/** The kernel numbers the rules of each table from one: a handle alone says nothing. */
function byHandle(
  earlier: RuleStructure,
  old: BigUint64Array,
  later: RuleStructure,
  handles: BigUint64Array,
  remade: ReadonlySet<string>,
  { before, how, taken }: Matching,
): void {
  const tables = new Map<string, Map<bigint, number>>();
  for (const [i, place] of earlier.places.entries()) {
    const key = tableKey(place);
    let rows = tables.get(key);
    if (rows === undefined) tables.set(key, (rows = new Map()));
    const [start, end] = rowsOf(earlier, i);
    for (let row = start; row < end; row++) rows.set(old[row] as bigint, row);
  }
  for (const [i, place] of later.places.entries()) {
    const rows = remade.has(chainKey(place)) ? undefined : tables.get(tableKey(place));
    if (rows === undefined) continue;
    const [start, end] = rowsOf(later, i);
    for (let row = start; row < end; row++) {
      const found = rows.get(handles[row] as bigint);
      if (found === undefined) continue;
      before[row] = found;
      how[row] = earlier.contents[found] === later.contents[row] ? SAME : REPLACED;
      taken[found] = 1;
    }
  }
}

/** The n-th of those alike is the n-th there was; where some came or went, no row is surely the one it was. */
function byContent(earlier: RuleStructure, [oldStart, oldEnd]: Rows, later: RuleStructure, [start, end]: Rows, match: Matching): void {
  const { before, how, alike } = match;
  const old = byValue(earlier.contents, oldStart, oldEnd);
  for (const [content, rows] of byValue(later.contents, start, end)) {
    const found = old.get(content);
    if (found === undefined) continue;
    const sure = found.length === rows.length;
    for (const [n, row] of rows.entries()) {
      before[row] = found[n] ?? -1;
      how[row] = sure ? SAME : AMBIGUOUS;
      if (!sure) alike.set(row, found);
    }
  }
}

/** Rows of no known handle, where as many of the same content have gone from the chain: somebody's restore makes all rules anew. */
function madeAnew(earlier: RuleStructure, [oldStart, oldEnd]: Rows, later: RuleStructure, [start, end]: Rows, match: Matching): void {
  const { before, how, taken } = match;
  let some = false;
  for (let row = start; row < end && !some; row++) some = how[row] === NEW;
  if (!some) return;
  const gone = byValue(earlier.contents, oldStart, oldEnd, (row) => taken[row] === 0);
  if (gone.size === 0) return;
  for (const [content, rows] of byValue(later.contents, start, end, (row) => how[row] === NEW)) {
    const found = gone.get(content);
    if (found === undefined) continue;
    for (const [n, row] of rows.entries()) {
      // Which of several it was cannot be told.
      how[row] = found.length === 1 && rows.length === 1 ? REPLACED : AMBIGUOUS;
      before[row] = found[n] ?? -1;
      if (how[row] === AMBIGUOUS) match.alike.set(row, found);
    }
  }
}

/** Rows of [start, end) by what they are. */
export function byValue(contents: BigUint64Array, start: number, end: number, only?: (row: number) => boolean): Map<bigint, number[]> {
  const out = new Map<bigint, number[]>();
  for (let row = start; row < end; row++) {
    if (only?.(row) === false) continue;
    const content = contents[row] as bigint;
    const rows = out.get(content);
    if (rows === undefined) out.set(content, [row]);
    else rows.push(row);
  }
  return out;
}
