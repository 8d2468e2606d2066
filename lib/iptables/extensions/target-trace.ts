// -j TRACE has no options and no struct (libxt_TRACE.c). On nf_tables it is `meta nftrace set 1`.
import { target } from './codec.ts';

export const TRACE = target('TRACE', {
  options: {},
  revisions: [{ revision: 0, size: 0, write: () => {}, read: () => ({}) }],
});
