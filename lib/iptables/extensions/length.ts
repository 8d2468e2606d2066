// -m length (linux/netfilter/xt_length.h, struct xt_length_info; libxt_length.c).
import { match } from './codec.ts';
import { mandatory } from './option-values.ts';
import { readU16Range, U16_RANGE_SIZE, u16RangeOption, u16RangeText, writeU16Range } from './u16-range.ts';

export const length = match('length', {
  options: { length: u16RangeOption },
  revisions: [
    {
      revision: 0,
      size: U16_RANGE_SIZE,
      write: (o, s) => writeU16Range(s, o.length),
      read: (s) => ({ length: readU16Range(s) }),
    },
  ],
  list: (o) => (o.length === undefined ? '' : ` length ${u16RangeText(o.length)}`),
  finish: (o) => {
    mandatory(o, 'length');
    return o;
  },
});
