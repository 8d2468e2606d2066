// -m tcpmss (linux/netfilter/xt_tcpmss.h, struct xt_tcpmss_match_info; libxt_tcpmss.c). That it needs -p tcp is the kernel's to say.
import { match } from './codec.ts';
import { mandatory } from './option-values.ts';
import { readU16Range, U16_RANGE_SIZE, u16RangeOption, u16RangeText, writeU16Range } from './u16-range.ts';

export const tcpmss = match('tcpmss', {
  options: { mss: u16RangeOption },
  revisions: [
    {
      revision: 0,
      size: U16_RANGE_SIZE,
      write: (o, s) => writeU16Range(s, o.mss),
      read: (s) => ({ mss: readU16Range(s) }),
    },
  ],
  list: (o) => (o.mss === undefined ? '' : ` tcpmss match ${u16RangeText(o.mss)}`),
  finish: (o) => {
    mandatory(o, 'mss');
    return o;
  },
});
