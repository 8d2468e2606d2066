// Numbers and ranges of numbers, `first[:last]`, as libxtables reads them (xtopt_parse_mint): a side left out is 0 or the greatest.
import { type Value, ValueError } from './codec.ts';
import { parseUnsigned } from './values.ts';

/** One number, or the first and the last of a range. */
export type NumberRange = number | readonly [first: number, last: number];

/** Ranges that end before they begin are refused, as the real tools do since 1.8.10; before, they never matched. */
export function numberRange(max: number): Value<NumberRange> {
  return {
    parse: ([word]) => {
      const text = word as string;
      const colon = text.indexOf(':');
      const side = (part: string, missing: number, min: number): number => {
        const n = part === '' && colon >= 0 ? missing : parseUnsigned(part, max, min);
        if (n === undefined) throw new ValueError(`"${part}" is no number, or out of range (${min}-${max})`);
        return n;
      };
      const first = side(colon < 0 ? text : text.slice(0, colon), 0, 0);
      return colon < 0 ? first : rangeOf(first, side(text.slice(colon + 1), max, first));
    },
    format: (v) => [rangeText(v)],
  };
}

/** Refuses what no option says: a range that ends before it begins. */
export function rangeOf(first: number, last: number): NumberRange {
  if (first > last) throw new ValueError(`range ${first}:${last} ends before it begins`);
  return first === last ? first : [first, last];
}
export function ends(v: NumberRange): readonly [first: number, last: number] {
  return typeof v === 'number' ? [v, v] : v;
}
/** `5` or `5:9`. */
export function rangeText(v: NumberRange): string {
  return typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`;
}
