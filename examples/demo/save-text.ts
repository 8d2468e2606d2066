// Comparing save texts: table by table, since their order differs from program to program, and without the comment lines,
// which carry dates and versions.

function tablesOf(text: string): Map<string, readonly string[]> {
  const tables = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('*')) tables.set(line.slice(1), (lines = []));
    else lines.push(line);
  }
  return tables;
}

export interface Comparison {
  readonly same: boolean;
  /** The first line that differs, from both texts. */
  readonly difference?: string;
  readonly tables: number;
  readonly rules: number;
}

export function compareSaves(ours: string, theirs: string): Comparison {
  const a = tablesOf(ours);
  const b = tablesOf(theirs);
  const rules = [...a.values()].flat().filter((line) => /^(\[\d+:\d+\] )?-A /.test(line)).length;
  const difference = firstDifference(a, b);
  return { same: difference === undefined, ...(difference === undefined ? {} : { difference }), tables: a.size, rules };
}

function firstDifference(a: ReadonlyMap<string, readonly string[]>, b: ReadonlyMap<string, readonly string[]>): string | undefined {
  for (const name of new Set([...a.keys(), ...b.keys()])) {
    const left = a.get(name) ?? [];
    const right = b.get(name) ?? [];
    for (let i = 0; i < Math.max(left.length, right.length); i++) {
      if (left[i] !== right[i])
        return `table ${name}, line ${i + 1}:\n  nflink  ${left[i] ?? '(nothing)'}\n  real    ${right[i] ?? '(nothing)'}`;
    }
  }
  return undefined;
}
