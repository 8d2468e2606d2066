// -m dscp (linux/netfilter/xt_dscp.h, struct xt_dscp_info; libxt_dscp.c).
import { isNot, match, notOption, spelling, ValueError } from './codec.ts';
import { DSCP_MAX, dscpClass, dscpValue } from './dscp-values.ts';
import { bare, withNot } from './option-values.ts';
import { hex2 } from './tos-values.ts';

/** Offsets in struct xt_dscp_info: __u8 dscp, invert. */
const VALUE = 0;
const INVERT = 1;

export const dscp = match('dscp', {
  options: { dscp: notOption(dscpValue), 'dscp-class': spelling('dscp', notOption(dscpClass)) },
  revisions: [
    {
      revision: 0,
      size: 2,
      write: (o, s) => {
        if (o.dscp === undefined) return;
        s.setU8(VALUE, bare(o.dscp));
        s.setU8(INVERT, isNot(o.dscp) ? 1 : 0);
      },
      read: (s) => {
        if (s.u8(VALUE) > DSCP_MAX) throw new ValueError(`${s.u8(VALUE)} is no DSCP value`);
        return { dscp: withNot(s.u8(VALUE), s.u8(INVERT) !== 0) };
      },
    },
  ],
  list: (o) => (o.dscp === undefined ? '' : ` DSCP match ${isNot(o.dscp) ? '!' : ''}${hex2(bare(o.dscp))}`),
  finish: (o) => {
    if (o.dscp === undefined) throw new ValueError('Parameter --dscp is required');
    return o;
  },
});
