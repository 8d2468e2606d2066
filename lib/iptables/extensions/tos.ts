// -m tos (linux/netfilter/xt_dscp.h, linux/netfilter_ipv4/ipt_tos.h; libxt_tos.c).
import { isNot, match, notOption } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { tosHex, tosName, tosValue } from './tos-values.ts';

/** A mask of ones: revision 0 compares the whole byte. */
const WHOLE = 0xff;

export const tos = match('tos', {
  options: { tos: notOption(tosValue) },
  revisions: [
    {
      // struct ipt_tos_info: __u8 tos, invert
      revision: 0,
      family: 'ip',
      size: 2,
      can: (o) => o.tos !== undefined && bare(o.tos).mask === WHOLE,
      write: (o, s) => {
        if (o.tos === undefined) return;
        s.setU8(0, bare(o.tos).value);
        s.setU8(1, isNot(o.tos) ? 1 : 0);
      },
      read: (s) => ({ tos: withNot({ value: s.u8(0), mask: WHOLE }, s.u8(1) !== 0) }),
    },
    {
      // struct xt_tos_match_info: __u8 tos_mask, tos_value, invert
      revision: 1,
      size: 3,
      write: (o, s) => {
        if (o.tos === undefined) return;
        const { value, mask } = bare(o.tos);
        s.setU8(0, mask);
        s.setU8(1, value);
        s.setU8(2, isNot(o.tos) ? 1 : 0);
      },
      read: (s) => ({ tos: withNot({ value: s.u8(1), mask: s.u8(0) }, s.u8(2) !== 0) }),
    },
  ],
  list: (o, { numeric }) => {
    if (o.tos === undefined) return '';
    const given = bare(o.tos);
    const name = numeric ? undefined : tosName(given);
    // Only a name is parted from the text before it.
    return ` tos match${isNot(o.tos) ? '!' : ''}${name === undefined ? tosHex(given) : ` ${name}`}`;
  },
  finish: (o) => {
    mandatory(o, 'tos');
    return o;
  },
});
