// -j DSCP (linux/netfilter/xt_DSCP.h, struct xt_DSCP_info; libxt_DSCP.c).
import { option, spelling, target, ValueError } from './codec.ts';
import { DSCP_MAX, dscpClass, dscpValue } from './dscp-values.ts';
import { hex2 } from './tos-values.ts';

export const DSCP = target('DSCP', {
  options: { 'set-dscp': option(dscpValue), 'set-dscp-class': spelling('set-dscp', option(dscpClass)) },
  revisions: [
    {
      // __u8 dscp
      revision: 0,
      size: 1,
      write: (o, s) => s.setU8(0, o.setDscp ?? 0),
      read: (s) => {
        if (s.u8(0) > DSCP_MAX) throw new ValueError(`no option stands for the codepoint ${s.u8(0)}`);
        return { setDscp: s.u8(0) };
      },
    },
  ],
  list: (o) => ` DSCP set ${hex2(o.setDscp ?? 0)}`,
  finish: (o) => {
    if (o.setDscp === undefined) throw new ValueError('Parameter --set-dscp is required');
    return o;
  },
});
