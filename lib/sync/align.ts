// Which elements of a sequence stay where they are when it becomes another: the longest common subsequence, by equal keys.

export interface Alignment {
  /** By place in the new sequence: the place in the old one of the element that stays; -1: it comes anew. */
  readonly from: Int32Array;
  /** By place in the new sequence: the place in the old one of an equal element that goes; -1: there is none. */
  readonly movedFrom: Int32Array;
  /** Places in the old sequence of elements that go, the moved ones among them. */
  readonly gone: readonly number[];
  readonly kept: number;
  readonly added: number;
  readonly removed: number;
  /** Of those that go, how many come again at another place. They are counted in neither `added` nor `removed`. */
  readonly moved: number;
  /** False where so many elements are alike that what stays may be fewer than could. */
  readonly minimal: boolean;
}

/** Pairs of equal elements that are tried, per element. Beyond, the n-th of a key is taken for the n-th: the work stays n log n. */
const PAIRS_PER_ELEMENT = 16;

export function align(before: readonly string[], after: readonly string[]): Alignment {
  const [m, n] = [before.length, after.length];
  const from = new Int32Array(n).fill(-1);
  let start = 0;
  while (start < m && start < n && before[start] === after[start]) from[start] = start++;
  let tail = 0;
  while (tail < m - start && tail < n - start && before[m - 1 - tail] === after[n - 1 - tail]) {
    tail++;
    from[n - tail] = m - tail;
  }
  const [oldEnd, newEnd] = [m - tail, n - tail];
  if (start === oldEnd || start === newEnd) return alignmentOf(before, after, from);
  const { candidates, minimal } = candidatesOf(placesByKey(before, start, oldEnd), after, start, newEnd, oldEnd - start);
  chooseRising(candidates, start, from);
  return alignmentOf(before, after, from, minimal);
}

/** What follows from the places that stay, which rise. */
export function alignmentOf(before: readonly string[], after: readonly string[], from: Int32Array, minimal = true): Alignment {
  const stays = new Uint8Array(before.length);
  let kept = 0;
  for (const place of from) {
    if (place < 0) continue;
    stays[place] = 1;
    kept++;
  }
  const gone: number[] = [];
  /** By key, the last first. */
  const free = new Map<string, number[]>();
  for (let i = before.length - 1; i >= 0; i--) {
    if (stays[i] === 1) continue;
    gone.push(i);
    const key = before[i] as string;
    const found = free.get(key);
    if (found === undefined) free.set(key, [i]);
    else found.push(i);
  }
  gone.reverse();
  const movedFrom = new Int32Array(after.length).fill(-1);
  let moved = 0;
  if (free.size > 0)
    for (let i = 0; i < after.length; i++) {
      if ((from[i] as number) >= 0) continue;
      const place = free.get(after[i] as string)?.pop();
      if (place === undefined) continue;
      movedFrom[i] = place;
      moved++;
    }
  return { from, movedFrom, gone, kept, moved, added: after.length - kept - moved, removed: gone.length - moved, minimal };
}

function placesByKey(keys: readonly string[], start: number, end: number): Map<string, number[]> {
  const places = new Map<string, number[]>();
  for (let i = start; i < end; i++) {
    const key = keys[i] as string;
    const found = places.get(key);
    if (found === undefined) places.set(key, [i]);
    else found.push(i);
  }
  return places;
}

type Candidates = readonly (readonly number[])[];

/** By element of the new sequence: the places it may have had, rising. */
function candidatesOf(
  places: ReadonlyMap<string, readonly number[]>,
  after: readonly string[],
  start: number,
  end: number,
  old: number,
): { readonly candidates: Candidates; readonly minimal: boolean } {
  const nowhere: readonly number[] = [];
  const all = after.slice(start, end).map((key) => places.get(key) ?? nowhere);
  const pairs = all.reduce((sum, found) => sum + found.length, 0);
  if (pairs <= PAIRS_PER_ELEMENT * (old + end - start)) return { candidates: all, minimal: true };
  const seen = new Map<string, number>();
  const candidates = all.map((found, i) => {
    const key = after[start + i] as string;
    const nth = seen.get(key) ?? 0;
    seen.set(key, nth + 1);
    return nth < found.length ? [found[nth] as number] : nowhere;
  });
  return { candidates, minimal: false };
}

/** Chooses at most one candidate an element so that they rise and are as many as can be (Hunt and Szymanski, 1977), and writes them into `from`. */
function chooseRising(candidates: Candidates, start: number, from: Int32Array): void {
  /** By length - 1: the last pair of the chain of that length which ends lowest. */
  const tails: number[] = [];
  const ends: number[] = [];
  const pairNew: number[] = [];
  const pairOld: number[] = [];
  const pairBefore: number[] = [];
  for (const [i, found] of candidates.entries()) {
    // From the highest down: a chain takes no two candidates of one element.
    for (let k = found.length - 1; k >= 0; k--) {
      const place = found[k] as number;
      const length = lowerBound(ends, place);
      if (ends[length] === place) continue;
      const pair = pairNew.push(i) - 1;
      pairOld.push(place);
      pairBefore.push(length === 0 ? -1 : (tails[length - 1] as number));
      tails[length] = pair;
      ends[length] = place;
    }
  }
  for (let pair = tails.at(-1) ?? -1; pair >= 0; pair = pairBefore[pair] as number) {
    from[start + (pairNew[pair] as number)] = pairOld[pair] as number;
  }
}

/** The first index whose number is not less. */
function lowerBound(rising: readonly number[], wanted: number): number {
  let [low, high] = [0, rising.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
