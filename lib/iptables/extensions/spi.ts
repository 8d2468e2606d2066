// Ranges of IPsec's security parameter index as -m ah and -m esp have them: __u32 spis[2], and a bit that inverts.
import { type Not, notOption } from './codec.ts';
import { isWhole, listRange, type NumberRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';

const MAX = 0xffffffff;
export const spiOption = notOption(numberRange(MAX));
const any: NumberRange = [0, MAX];

/** The option, unless it says nothing. */
export function meaningfulSpis(option: Not<NumberRange> | undefined): Not<NumberRange> | undefined {
  return isWhole(option, MAX) ? undefined : option;
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
  return listRange('spi', option, MAX).trimStart();
}
