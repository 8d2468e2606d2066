// -m quota (linux/netfilter/xt_quota.h, struct xt_quota_info; libxt_quota.c).
import { isNot, match, notOption } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { unsigned64 } from './values.ts';

/** Offsets: __u32 flags, pad; __u64 quota; then the kernel's: struct xt_quota_priv *master. */
const FLAGS = 0;
const QUOTA = 8;
/** XT_QUOTA_INVERT. */
const INVERT = 1;

export const quota = match('quota', {
  options: { quota: notOption(unsigned64) },
  revisions: [
    {
      revision: 0,
      size: 24,
      kernelPrivate: [[16, 24]],
      write: (o, s) => {
        if (o.quota === undefined) return;
        s.setU32(FLAGS, isNot(o.quota) ? INVERT : 0);
        s.setU64(QUOTA, bare(o.quota));
      },
      read: (s) => ({ quota: withNot(s.u64(QUOTA), (s.u32(FLAGS) & INVERT) !== 0) }),
    },
  ],
  // The real program doesn't list `!`.
  list: (o) => (o.quota === undefined ? '' : ` quota: ${bare(o.quota)} bytes`),
  finish: (o) => {
    mandatory(o, 'quota');
    return o;
  },
});
