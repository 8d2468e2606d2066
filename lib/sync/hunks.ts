// The parts in which a sequence and the one it becomes differ, as diff -u prints them, without lines around them.

/** `from`: of an Alignment. `name` stands behind each head. */
export function hunks(
  name: string,
  before: number,
  from: Int32Array,
  line: { readonly gone: (place: number) => string; readonly comes: (place: number) => string },
): string[] {
  const lines: string[] = [];
  const after = from.length;
  let [old, place] = [0, 0];
  while (old < before || place < after) {
    const next = place < after ? (from[place] as number) : -1;
    if (next === old) {
      old++;
      place++;
      continue;
    }
    const part: string[] = [];
    const [oldStart, start] = [old, place];
    let comes = place;
    while (comes < after && (from[comes] as number) < 0) comes++;
    const oldEnd = comes < after ? (from[comes] as number) : before;
    for (; old < oldEnd; old++) part.push(`-${line.gone(old)}`);
    for (; place < comes; place++) part.push(`+${line.comes(place)}`);
    lines.push(`@@ -${range(oldStart, old)} +${range(start, place)} @@ ${name}`, ...part);
  }
  return lines;
}

/** The first line and how many; of none the line before. */
function range(start: number, end: number): string {
  const length = end - start;
  return length === 1 ? String(start + 1) : `${length === 0 ? start : start + 1},${length}`;
}
