// Ranges of IPsec's security parameter index as -m ah, -m esp and -m ipcomp have them: __u32 spis[2], and a bit that inverts.
import { isNot, type Not, notOption, type Revision } from './codec.ts';
import { isWhole, listRange, type NumberRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, onlyBits, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';

const MAX = 0xffffffff;
export const spiOption = notOption(numberRange(MAX));
const any: NumberRange = [0, MAX];

/** XT_ESP_INV_SPI, IPT_AH_INV_SPI, IP6T_AH_INV_SPI, XT_IPCOMP_INV_SPI. */
export const INV_SPI = 0x01;

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

/** Offset of __u8 invflags. */
const INVERT = 8;
/** struct xt_esp, and struct ipt_ah alike. */
export function spiRevision<O>(
  spisOf: (o: O) => Not<NumberRange> | undefined,
  optionsOf: (spis: Not<NumberRange> | undefined) => O,
): Revision<O> {
  return {
    revision: 0,
    size: 12,
    write: (o, s) => {
      writeSpis(s, spisOf(o));
      s.setU8(INVERT, isNot(spisOf(o)) ? INV_SPI : 0);
    },
    read: (s) => optionsOf(readSpis(s, onlyBits(s.u8(INVERT), INV_SPI) !== 0)),
  };
}
