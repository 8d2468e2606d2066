// Which row of one poll is which of another. nf_tables: the same handle of the same table and the same content, since a replaced rule keeps its
// handle. Legacy, and rules that a restore of ours made anew: the same content in the same chain, in order.
import { renamedChains } from './renamed.ts';
import { chainKey, chainNumbers, chainRows, type RuleStructure, tableKey } from './rows.ts';

/** How a row came to be. */
export const SAME = 0;
export const NEW = 1;
/**
 * The handle was another rule's, or one of the same content has gone from the chain: it may be that one, made anew; or, without handles, the rule
 * of a chain that has another name now, or one that jumps there.
 */
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
  const chains = chainNumbers(earlier);
  const handles = handlesOf(earlier, later, chains, remade);
  if (handles !== undefined) byHandle(earlier, later, handles, match);
  const renamed = handles === undefined ? renamedChains(earlier, later) : undefined;
  for (const [i, place] of later.places.entries()) {
    const key = chainKey(place);
    const chain = chains.get(key) ?? renamed?.get(i);
    if (chain === undefined) continue;
    if (handles === undefined || remade.has(key)) byContent(earlier, chainRows(earlier, chain), later, chainRows(later, i), match);
    else madeAnew(earlier, chainRows(earlier, chain), later, chainRows(later, i), match);
  }
  if (handles !== undefined) replaced(later, handles, match);
  // Or it is another chain, with the same rules.
  for (const number of renamed?.keys() ?? []) {
    const [start, end] = chainRows(later, number);
    for (let row = start; row < end; row++) if (match.how[row] === SAME) match.how[row] = REPLACED;
  }
  if (renamed !== undefined && renamed.size > 0) jumpsElsewhere(earlier, later, chains, match);
  return match;
}

type Rows = readonly [start: number, end: number];

/**
 * By row of the later poll: the row that had its handle, or -1; undefined where there are none. The kernel numbers the rules of each table from
 * one, and of a table that is made anew again: a handle says something in the same table and chain, whatever the chain's name.
 */
function handlesOf(
  earlier: RuleStructure,
  later: RuleStructure,
  chains: ReadonlyMap<string, number>,
  remade: ReadonlySet<string>,
): Int32Array | undefined {
  if (later.handles === undefined || earlier.handles === undefined) return undefined;
  const tables = new Map<string, Map<bigint, number>>();
  for (const [i, place] of earlier.places.entries()) {
    const key = tableKey(place);
    let rows = tables.get(key);
    if (rows === undefined) tables.set(key, (rows = new Map()));
    const [start, end] = chainRows(earlier, i);
    for (let row = start; row < end; row++) rows.set(earlier.handles[row] as bigint, row);
  }
  const still = new Set(later.places.map(chainKey));
  const gone = earlier.places.map((place) => !still.has(chainKey(place)));
  const out = new Int32Array(later.length).fill(-1);
  for (const [i, place] of later.places.entries()) {
    const key = chainKey(place);
    const table = tableKey(place);
    const rows = remade.has(key) || !isSameTable(earlier, later, table) ? undefined : tables.get(table);
    if (rows === undefined) continue;
    const chain = chains.get(key);
    const [start, end] = chainRows(later, i);
    for (let row = start; row < end; row++) {
      const found = rows.get(later.handles[row] as bigint);
      if (found === undefined) continue;
      const was = earlier.chain[found] as number;
      if (chain === was || (chain === undefined && gone[was] === true)) out[row] = found;
    }
  }
  return out;
}

/** One whose handle is not known may be any. */
function isSameTable({ tables: before }: RuleStructure, { tables: after }: RuleStructure, table: string): boolean {
  if (before === undefined || after === undefined) return true;
  const handle = after.get(table);
  return handle !== undefined && before.get(table) === handle;
}

function byHandle(earlier: RuleStructure, later: RuleStructure, handles: Int32Array, { before, how, taken }: Matching): void {
  for (let row = 0; row < later.length; row++) {
    const found = handles[row] as number;
    if (found < 0 || earlier.contents[found] !== later.contents[row]) continue;
    before[row] = found;
    how[row] = SAME;
    taken[found] = 1;
  }
}

/** What is left where a handle was another rule's. */
function replaced(later: RuleStructure, handles: Int32Array, { before, how, taken }: Matching): void {
  for (let row = 0; row < later.length; row++) {
    const found = handles[row] as number;
    if (how[row] !== NEW || found < 0 || taken[found] === 1) continue;
    before[row] = found;
    how[row] = REPLACED;
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

/** Where chains have another name, the n-th rule that has gone from a chain may be the n-th that has come, which jumps to one of them. */
function jumpsElsewhere(
  earlier: RuleStructure,
  later: RuleStructure,
  chains: ReadonlyMap<string, number>,
  { before, how }: Matching,
): void {
  const kept = new Set(before);
  for (const [i, place] of later.places.entries()) {
    const chain = chains.get(chainKey(place));
    if (chain === undefined) continue;
    const come = rowsWhere(chainRows(later, i), (row) => how[row] === NEW);
    const gone = rowsWhere(chainRows(earlier, chain), (row) => !kept.has(row));
    if (come.length !== gone.length) continue;
    for (const [n, row] of come.entries()) {
      before[row] = gone[n] as number;
      how[row] = REPLACED;
    }
  }
}
function rowsWhere([start, end]: Rows, wanted: (row: number) => boolean): number[] {
  const rows: number[] = [];
  for (let row = start; row < end; row++) if (wanted(row)) rows.push(row);
  return rows;
}

/** Rows of no known handle, where as many of the same content have gone from the chain: somebody's restore makes all rules anew. */
function madeAnew(earlier: RuleStructure, [oldStart, oldEnd]: Rows, later: RuleStructure, [start, end]: Rows, match: Matching): void {
  const { before, how, taken, alike } = match;
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
      if (how[row] === AMBIGUOUS) alike.set(row, found);
    }
    for (const row of found) taken[row] = 1;
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
