// One number or the first and the last of a range, `first:last` (XTTYPE_UINT…RC of libxtables): a side left out is 0 or the maximum.
import { isNot, type Not, type Value, ValueError } from './codec.ts';
import { bare } from './option-values.ts';
import { parseUnsigned } from './values.ts';

export type UintRange = number | readonly [first: number, last: number];

export function uintRange(max: number): Value<UintRange> {
  const bound = (text: string, fallback: number, min: number): number => {
    const n = text === '' ? fallback : parseUnsigned(text, max, min);
    if (n === undefined) throw new ValueError(`bad value near "${text}", or out of range (${min}-${max})`);
    return n;
  };
  return {
    parse: ([word]) => {
      const [from = '', to, ...more] = (word as string).split(':');
      if (more.length > 0) throw new ValueError('Too many components (max: 2)');
      const first = bound(from, 0, 0);
      return to === undefined ? first : rangeOf(first, bound(to, max, first));
    },
    format: (range) => [typeof range === 'number' ? String(range) : range.join(':')],
  };
}

export function rangeOf(first: number, last: number): UintRange {
  return first === last ? first : [first, last];
}
export function bounds(range: UintRange): readonly [first: number, last: number] {
  return typeof range === 'number' ? [range, range] : range;
}
/** Every number, and not inverted: the save commands don't print it, though the struct has a bit for it. */
export function isWhole(option: Not<UintRange> | undefined, max: number): boolean {
  return Array.isArray(option) && option[0] === 0 && option[1] === max;
}

/** ` id:7`, ` ids:!1:2` of -L. */
export function listRange(label: string, option: Not<UintRange> | undefined, max: number): string {
  if (option === undefined || isWhole(option, max)) return '';
  const range = bare<UintRange>(option);
  const inverted = isNot(option) ? '!' : '';
  return typeof range === 'number' ? ` ${label}:${inverted}${range}` : ` ${label}s:${inverted}${range.join(':')}`;
}
