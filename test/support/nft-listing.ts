// What the real nft lists, in a form that is equal where two rulesets are: without what was counted and the time that is left, and with what has no
// order sorted.
import type { TestNamespace } from './namespace.ts';

/** By table, its chains, sets and objects. Rules keep their order; words of a line, and all of a set, are sorted, since hashed elements have none. */
export function listedTables(ns: TestNamespace): Record<string, readonly string[]> {
  const text = ns
    .mustSync('nft', ['list', 'ruleset'])
    .replace(/ expires \w+/g, '')
    .replace(/\bpackets \d+ bytes \d+/g, 'packets 0 bytes 0')
    .replace(/ used \d+ \w+/g, '');
  const out: Record<string, string[]> = {};
  let table: string[] = [];
  let block: string[] = [];
  for (const line of text.split('\n')) {
    if (/^table /.test(line)) out[line] = table = [];
    else if (/^}/.test(line)) table.sort();
    // A table's own flags and comment are blocks of a line.
    else if (/^\t[^\t]/.test(line) && !/^\t}/.test(line)) {
      block = [line];
      if (!line.endsWith('{')) table.push(line);
    } else if (/^\t}/.test(line)) table.push(blockText(block));
    else block.push(line);
  }
  return out;
}

function blockText(lines: readonly string[]): string {
  const [head = ''] = lines;
  const sorted = (text: string): string =>
    text
      .trim()
      .split(/[\s,]+/)
      .sort()
      .join(' ');
  if (!/^\t(set|map|meter) /.test(head)) return lines.map(sorted).join('\n');
  return `${head}\n${sorted(lines.slice(1).join(' '))}`;
}
