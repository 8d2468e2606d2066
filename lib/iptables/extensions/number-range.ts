// Ranges of numbers as xtopt_parse_mint of libxtables reads them: `first[:last]`, where a first left out is 0 and a last the maximum.
import { isNot, type Not, type Value, ValueError } from './codec.ts';
import { bare } from './option-values.ts';
import { parseUnsigned } from './values.ts';

/** One number, or the first and the last. */
export type NumberRange = number | readonly [first: number, last: number];

/** The one or two parts of a range. */
export function rangeParts<T>(text: string, parse: (part: string) => T, lowest: T, highest: T): readonly [T] | readonly [T, T] {
  const [first = '', last, ...more] = text.split(':');
  if (more.length > 0) throw new ValueError('too many components (max: 2)');
  const from = first === '' ? lowest : parse(first);
  return last === undefined ? [from] : [from, last === '' ? highest : parse(last)];
}

export function numberRange(max: number): Value<NumberRange> {
  const part = (text: string): number => {
    const n = parseUnsigned(text, max);
    if (n === undefined) throw new ValueError(`"${text}" is no number, or out of range (0-${max})`);
    return n;
  };
  return {
    parse: ([word]) => {
      const [first, last = first] = rangeParts(word as string, part, 0, max);
      return rangeOf(first, last);
    },
    format: (v) => [rangeText(v)],
  };
}

/** Refuses what no option says: a range that ends before it begins, which 1.8.9 took and nothing matches. */
export function rangeOf(first: number, last: number): NumberRange {
  if (first > last) throw new ValueError(`range ${first}:${last} ends before it begins`);
  return first === last ? first : [first, last];
}
/** `5` or `5:9`. */
export function rangeText(v: NumberRange): string {
  return typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`;
}
export function rangeEnds(range: NumberRange): readonly [first: number, last: number] {
  return typeof range === 'number' ? [range, range] : range;
}

/** Every number, and not inverted: the save commands don't print it, though some structs have a bit for it. */
export function isWhole(option: Not<NumberRange> | undefined, max: number): boolean {
  if (option === undefined || isNot(option)) return false;
  const [first, last] = rangeEnds(bare<NumberRange>(option));
  return first === 0 && last === max;
}

/** ` id:7`, ` ids:!1:2` of -L. */
export function listRange(label: string, option: Not<NumberRange> | undefined, max: number): string {
  if (option === undefined || isWhole(option, max)) return '';
  const range = bare<NumberRange>(option);
  return ` ${label}${typeof range === 'number' ? '' : 's'}:${isNot(option) ? '!' : ''}${rangeText(range)}`;
}
