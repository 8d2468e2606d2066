// Longest common subsequences by the table of all beginnings: slow, and nothing to get wrong.

/** How many elements two sequences have in common in the same order, at most. */
export function lcsLength<T>(a: readonly T[], b: readonly T[]): number {
  let above = new Uint32Array(b.length + 1);
  for (const x of a) {
    const row = new Uint32Array(b.length + 1);
    for (const [j, y] of b.entries()) row[j + 1] = x === y ? (above[j] as number) + 1 : Math.max(above[j + 1] as number, row[j] as number);
    above = row;
  }
  return above[b.length] as number;
}
