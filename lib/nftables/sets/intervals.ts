// Ranges of keys: [low, high], both in it, bytes in network order of one length. Sorted, checked for overlaps, merged.

export interface Interval {
  readonly low: Uint8Array;
  readonly high: Uint8Array;
}

export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The next number; undefined after the last. */
export function successor(bytes: Uint8Array): Uint8Array | undefined {
  const next = bytes.slice();
  for (let i = next.length - 1; i >= 0; i--) {
    next[i] = ((next[i] as number) + 1) & 0xff;
    if (next[i] !== 0) return next;
  }
  return undefined;
}

/** The number before; undefined before 0. */
export function predecessor(bytes: Uint8Array): Uint8Array | undefined {
  const before = bytes.slice();
  for (let i = before.length - 1; i >= 0; i--) {
    before[i] = ((before[i] as number) - 1) & 0xff;
    if (before[i] !== 0xff) return before;
  }
  return undefined;
}

export const sorted = <T extends Interval>(list: readonly T[]): T[] =>
  list.toSorted((a, b) => compareBytes(a.low, b.low) || compareBytes(a.high, b.high));

export interface Conflict<T> {
  readonly first: T;
  readonly second: T;
}

/** The first two of a sorted list that share a key without being the same range. */
export function overlap<T extends Interval>(list: readonly T[]): Conflict<T> | undefined {
  let reach: T | undefined;
  for (const one of list) {
    if (reach !== undefined && compareBytes(one.low, reach.high) <= 0) {
      if (compareBytes(one.low, reach.low) !== 0 || compareBytes(one.high, reach.high) !== 0) return { first: reach, second: one };
    } else reach = one;
  }
  return undefined;
}

/** Every range of a sorted list that shares a key with one before it, and the one of these that reaches furthest. */
export function overlapping<T extends Interval>(list: readonly T[]): Conflict<T>[] {
  const out: Conflict<T>[] = [];
  let reach: T | undefined;
  for (const one of list) {
    if (reach !== undefined && compareBytes(one.low, reach.high) <= 0) out.push({ first: reach, second: one });
    if (reach === undefined || compareBytes(one.high, reach.high) > 0) reach = one;
  }
  return out;
}

/** The place in a sorted list of the first range that begins at `low` or behind it. */
export function firstNotBelow(list: readonly Interval[], low: Uint8Array): number {
  let [from, to] = [0, list.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (compareBytes((list[middle] as Interval).low, low) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** Whether every number of `wanted` is in a sorted list without overlaps; ranges side by side count as one. */
export function covered(list: readonly Interval[], wanted: Interval): boolean {
  let next: Uint8Array | undefined = wanted.low;
  const at = firstNotBelow(list, next);
  for (let i = Math.max(0, at - 1); i < list.length && next !== undefined; i++) {
    const { low, high } = list[i] as Interval;
    if (compareBytes(low, next) > 0) return false;
    if (compareBytes(high, next) < 0) continue;
    if (compareBytes(high, wanted.high) >= 0) return true;
    next = successor(high);
  }
  return false;
}

/** Overlapping and adjacent ranges of a sorted list become one, with everything else the first of them has unless `join` says so. */
export function merged<T extends Interval>(list: readonly T[], join = (one: T, more: T): T => ({ ...one, high: more.high })): T[] {
  const out: T[] = [];
  // The number after the last range's high; undefined where that is the last number of all.
  let next: Uint8Array | undefined;
  for (const one of list) {
    const last = out.at(-1);
    if (last !== undefined && (next === undefined || compareBytes(one.low, next) <= 0)) {
      if (compareBytes(one.high, last.high) <= 0) continue;
      out[out.length - 1] = join(last, one);
    } else out.push(one);
    next = successor(one.high);
  }
  return out;
}

/**
 * What is left of a list when the numbers of `cuts` are taken out, both sorted and without overlaps. `piece` makes what is
 * left of a range, from a cut beside it.
 */
export function without<T extends Interval, C extends Interval>(
  list: readonly T[],
  cuts: readonly C[],
  piece = (one: T, range: Interval, _cut: C): T => ({ ...one, ...range }),
): T[] {
  const out: T[] = [];
  let first = 0;
  for (const one of list) {
    for (let c = cuts[first]; c !== undefined && compareBytes(c.high, one.low) < 0; c = cuts[first]) first++;
    let low: Uint8Array | undefined = one.low;
    let last: C | undefined;
    for (let i = first; low !== undefined; i++) {
      const cut = cuts[i];
      if (cut === undefined || compareBytes(cut.low, one.high) > 0) break;
      const below = compareBytes(low, cut.low) < 0 ? predecessor(cut.low) : undefined;
      if (below !== undefined) out.push(piece(one, { low, high: below }, cut));
      low = compareBytes(one.high, cut.high) > 0 ? successor(cut.high) : undefined;
      last = cut;
    }
    if (last === undefined) out.push(one);
    else if (low !== undefined) out.push(piece(one, { low, high: one.high }, last));
  }
  return out;
}

/** The range of an address and a prefix length; bits behind the prefix are cleared, as nft does. */
export function prefixRange(address: Uint8Array, bits: number): Interval {
  const low = address.slice();
  const high = address.slice();
  for (let i = 0; i < address.length; i++) {
    const kept = Math.min(8, Math.max(0, bits - 8 * i));
    const mask = 0xff & (0xff00 >> kept);
    low[i] = (low[i] as number) & mask;
    high[i] = (high[i] as number) | (mask ^ 0xff);
  }
  return { low, high };
}

/** The prefix length of a range that is one, its whole width where low and high are equal. */
export function prefixLength({ low, high }: Interval): number | undefined {
  let bits = 0;
  while (bits < low.length * 8 && bitAt(low, bits) === bitAt(high, bits)) bits++;
  for (let i = bits; i < low.length * 8; i++) if (bitAt(low, i) !== 0 || bitAt(high, i) !== 1) return undefined;
  return bits;
}

function bitAt(bytes: Uint8Array, i: number): number {
  return ((bytes[i >> 3] as number) >> (7 - (i & 7))) & 1;
}
