// Names of numbers in the tables of iproute2, /etc/iproute2/rt_realms and the like (libxtables, xtables_lmap_init). A table is read once;
// where there is none there are no names.
import { readFileSync } from 'node:fs';
import { type Value, ValueError } from './codec.ts';
import { type Marked, marked, markText } from './values.ts';

export interface NumberNames {
  numberOf(name: string): number | undefined;
  nameOf(number: number): string | undefined;
}

/** The greatest number iproute2 gives a name to. */
const MAX = 255;

/** Lines `number name`, decimal or 0x hex; the first line of a number, and of a name, counts. */
export function parseNames(text: string): NumberNames {
  const names = new Map<number, string>();
  const numbers = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, digits, name] = /^\s*(0x[0-9a-f]+|[0-9]+)\s+([^#\s]\S*)/i.exec(line) ?? [];
    const number = Number(digits);
    if (name === undefined || number > MAX) continue;
    if (!names.has(number)) names.set(number, name);
    if (!numbers.has(name)) numbers.set(name, number);
  }
  return { numberOf: (name) => numbers.get(name), nameOf: (number) => names.get(number) };
}

/** The table of a file, read when it is asked for first. */
export function namesOfFile(path: string): () => NumberNames {
  let names: NumberNames | undefined;
  return () => {
    names ??= parseNames(readText(path));
    return names;
  };
}
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** `value[/mask]`, or a name, which has no mask (xtables_parse_val_mask). Printed by name where there is one. */
export function namedMark(names: () => NumberNames): Value<Marked> {
  return {
    parse: (words, c) => {
      const word = words[0] as string;
      const value = names().numberOf(word);
      if (!/^\+?[0-9]/.test(word)) {
        if (value === undefined) throw new ValueError(`could not map name ${word} to an integer value`);
        return { value, mask: 0xffffffff };
      }
      return marked.parse(words, c);
    },
    format: (v) => [namedMarkText(v, names)],
  };
}
/** xtables_print_val_mask. */
export function namedMarkText(v: Marked, names: () => NumberNames): string {
  return (v.mask === 0xffffffff ? names().nameOf(v.value) : undefined) ?? markText(v);
}
