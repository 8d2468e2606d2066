// -j NOTRACK: the kernel's CT with a bit that says by which name it was asked for (linux/netfilter/xt_CT.h; libxt_CT.c).
import { target } from './codec.ts';

/** XT_CT_NOTRACK | XT_CT_NOTRACK_ALIAS. */
const NOTRACK_BY_ALIAS = 0x3;
/** `ct` of struct xt_ct_target_info_v1. */
const KERNEL_FROM = 64;

export const NOTRACK = target('NOTRACK', {
  kernelName: 'CT',
  options: {},
  revisions: [
    {
      revision: 2,
      size: 72,
      kernelPrivate: [[KERNEL_FROM, 72]],
      write: (_, s) => s.setU16(0, NOTRACK_BY_ALIAS),
      read: () => ({}),
    },
  ],
  list: () => ' NOTRACK',
  // With anything else set it isn't what -j NOTRACK says.
  claims: (s, revision) => revision === 2 && s.u16(0) === NOTRACK_BY_ALIAS && s.bytes.subarray(2, KERNEL_FROM).every((b) => b === 0),
});
