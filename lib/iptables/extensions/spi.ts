// Ranges of IPsec's security parameter index as -m ah and -m esp have them: __u32 spis[2], and a bit that inverts.
import { isNot, type Not, notOption } from './codec.ts';
import { type NumberRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';

const MAX = 0xffffffff;
export const spiOption = notOption(numberRange(MAX));
const any: NumberRange = [0, MAX];

function isAny(spis: NumberRange): boolean {
  const [first, last] = rangeEnds(spis);
  return first === 0 && last === MAX;
}
/** The option, unless it says nothing. */
export function meaningfulSpis(option: Not<NumberRange> | undefined): Not<NumberRange> | undefined {
  return option === undefined || (!isNot(option) && isAny(bare<NumberRange>(option))) ? undefined : option;
}
export function writeSpis(s: Struct, option: Not<NumberRange> | undefined): void {
  const [first, last] = rangeEnds(bare<NumberRange>(option ?? any));
  s.setU32(0, first);
  s.setU32(4, last);
}
export function readSpis(s: Struct, inverted: boolean): Not<NumberRange> | undefined {
  return meaningfulSpis(withNot(rangeOf(s.u32(0), s.u32(4)), inverted));
}
/** `spi:5`, `spis:!1:3`. */
export function listSpis(option: Not<NumberRange> | undefined): string {
  if (option === undefined) return '';
  const spis = bare<NumberRange>(option);
  const not = isNot(option) ? '!' : '';
  return typeof spis === 'number' ? `spi:${not}${spis}` : `spis:${not}${spis[0]}:${spis[1]}`;
}
