// A range of 16-bit numbers with `!`, as -m length and -m tcpmss have it: __u16 min, max; __u8 invert.
import { isNot, type Not, notOption } from './codec.ts';
import { type NumberRange, numberRange, rangeEnds, rangeOf, rangeText } from './number-range.ts';
import { bare, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';

const MIN = 0;
const MAX = 2;
const INVERT = 4;
export const U16_RANGE_SIZE = 6;

export const u16RangeOption = notOption(numberRange(0xffff));

export function writeU16Range(s: Struct, option: Not<NumberRange> | undefined): void {
  if (option === undefined) return;
  const [min, max] = rangeEnds(bare<NumberRange>(option));
  s.setU16(MIN, min);
  s.setU16(MAX, max);
  s.setU8(INVERT, isNot(option) ? 1 : 0);
}
export function readU16Range(s: Struct): Not<NumberRange> {
  return withNot(rangeOf(s.u16(MIN), s.u16(MAX)), s.u8(INVERT) !== 0);
}
/** `!1:5` of -L. */
export function u16RangeText(option: Not<NumberRange>): string {
  return `${isNot(option) ? '!' : ''}${rangeText(bare<NumberRange>(option))}`;
}
