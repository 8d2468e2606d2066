// -m length (linux/netfilter/xt_length.h, struct xt_length_info; libxt_length.c).
import { isNot, match, notOption, ValueError } from './codec.ts';
import { numberRange, rangeEnds, rangeOf, rangeText } from './number-range.ts';
import { bare, withNot } from './option-values.ts';

/** Offsets: __u16 min, max; __u8 invert. */
const MIN = 0;
const MAX = 2;
const INVERT = 4;

export const length = match('length', {
  options: { length: notOption(numberRange(0xffff)) },
  revisions: [
    {
      revision: 0,
      size: 6,
      write: (o, s) => {
        if (o.length === undefined) return;
        const [min, max] = rangeEnds(bare(o.length));
        s.setU16(MIN, min);
        s.setU16(MAX, max);
        s.setU8(INVERT, isNot(o.length) ? 1 : 0);
      },
      read: (s) => ({ length: withNot(rangeOf(s.u16(MIN), s.u16(MAX)), s.u8(INVERT) !== 0) }),
    },
  ],
  list: (o) => (o.length === undefined ? '' : ` length ${isNot(o.length) ? '!' : ''}${rangeText(bare(o.length))}`),
  finish: (o) => {
    if (o.length === undefined) throw new ValueError('option "--length" must be specified');
    return o;
  },
});
