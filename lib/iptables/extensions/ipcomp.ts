// -m ipcomp (linux/netfilter/xt_ipcomp.h, struct xt_ipcomp; libxt_ipcomp.c). That it needs -p ipcomp is the kernel's to say.
import { flag, isNot, match, notOption, type OptionsOf } from './codec.ts';
import { isWhole, listRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';

const U32_MAX = 0xffffffff;
const options = { ipcompspi: notOption(numberRange(U32_MAX)), compres: flag() } as const;
type Options = OptionsOf<typeof options>;

/** Offsets: __u32 spis[2]; __u8 invflags, hdrres. */
const MIN = 0;
const MAX = 4;
const INVERT = 8;
const RESERVED = 9;

export const ipcomp = match('ipcomp', {
  options,
  revisions: [
    {
      revision: 0,
      size: 12,
      write: (o, s) => {
        const [min, max] = o.ipcompspi === undefined ? [0, U32_MAX] : rangeEnds(bare(o.ipcompspi));
        s.setU32(MIN, min);
        s.setU32(MAX, max);
        s.setU8(INVERT, isNot(o.ipcompspi) ? 1 : 0);
        s.setU8(RESERVED, o.compres === true ? 1 : 0);
      },
      read: (s) => {
        const out: Reading<Options> = {};
        const range = rangeOf(s.u32(MIN), s.u32(MAX));
        const inverted = (s.u8(INVERT) & 1) !== 0;
        const given = withNot(range, inverted);
        if (!isWhole(given, U32_MAX)) out.ipcompspi = given;
        if (s.u8(RESERVED) !== 0) out.compres = true;
        return out;
      },
    },
  ],
  list: (o) => {
    const { ipcompspi: given } = o;
    const text = ` comp ${listRange('spi', given, U32_MAX).trimStart()}`;
    return o.compres === true ? `${text} reserved` : text;
  },
  // Any SPI isn't printed, so none given is any, though iptables 1.8.9 then matches SPI 0.
  finish: (o) => (isWhole(o.ipcompspi, U32_MAX) ? without(o, 'ipcompspi') : o),
});
