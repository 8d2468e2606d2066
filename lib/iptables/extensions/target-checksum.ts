// -j CHECKSUM (linux/netfilter/xt_CHECKSUM.h; libxt_CHECKSUM.c).
import { flag, type OptionsOf, target, ValueError } from './codec.ts';
import { mandatory } from './option-values.ts';

const options = { 'checksum-fill': flag() };

const XT_CHECKSUM_OP_FILL = 1;

export const CHECKSUM = target('CHECKSUM', {
  options,
  revisions: [
    {
      // struct xt_CHECKSUM_info: __u8 operation
      revision: 0,
      size: 1,
      write: (_, s) => s.setU8(0, XT_CHECKSUM_OP_FILL),
      read: (s): OptionsOf<typeof options> => {
        if (s.u8(0) !== XT_CHECKSUM_OP_FILL) throw new ValueError(`no option stands for the operation ${s.u8(0)}`);
        return { checksumFill: true };
      },
    },
  ],
  list: () => ' CHECKSUM fill',
  finish: (o) => {
    mandatory(o, 'checksumFill');
    return o;
  },
});
