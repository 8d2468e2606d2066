// -m cpu (linux/netfilter/xt_cpu.h, struct xt_cpu_info; libxt_cpu.c).
import { isNot, match, notOption } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { unsigned } from './values.ts';

/** Offset behind __u32 cpu: __u32 invert. */
const INVERT = 4;

export const cpu = match('cpu', {
  options: { cpu: notOption(unsigned(0xffffffff)) },
  revisions: [
    {
      revision: 0,
      size: 8,
      write: (o, s) => {
        s.setU32(0, bare(o.cpu ?? 0));
        s.setU32(INVERT, isNot(o.cpu) ? 1 : 0);
      },
      read: (s) => ({ cpu: withNot(s.u32(0), s.u32(INVERT) !== 0) }),
    },
  ],
  finish: (o) => {
    mandatory(o, 'cpu');
    return o;
  },
  list: (o) => ` cpu${isNot(o.cpu) ? ' !' : ''} ${bare(o.cpu ?? 0)}`,
});
