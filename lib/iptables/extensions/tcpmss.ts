// -m tcpmss (linux/netfilter/xt_tcpmss.h, struct xt_tcpmss_match_info; libxt_tcpmss.c). That it needs -p tcp is the kernel's to say.
import { isNot, match, notOption, ValueError } from './codec.ts';
import { numberRange, rangeEnds, rangeOf, rangeText } from './number-range.ts';
import { bare, withNot } from './option-values.ts';

/** Offsets: __u16 mss_min, mss_max; __u8 invert. */
const MIN = 0;
const MAX = 2;
const INVERT = 4;

export const tcpmss = match('tcpmss', {
  options: { mss: notOption(numberRange(0xffff)) },
  revisions: [
    {
      revision: 0,
      size: 6,
      write: (o, s) => {
        if (o.mss === undefined) return;
        const [min, max] = rangeEnds(bare(o.mss));
        s.setU16(MIN, min);
        s.setU16(MAX, max);
        s.setU8(INVERT, isNot(o.mss) ? 1 : 0);
      },
      read: (s) => ({ mss: withNot(rangeOf(s.u16(MIN), s.u16(MAX)), s.u8(INVERT) !== 0) }),
    },
  ],
  list: (o) => (o.mss === undefined ? '' : ` tcpmss match ${isNot(o.mss) ? '!' : ''}${rangeText(bare(o.mss))}`),
  finish: (o) => {
    if (o.mss === undefined) throw new ValueError('option "--mss" must be specified');
    return o;
  },
});
