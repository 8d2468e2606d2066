// synproxy: answers a TCP handshake before the server sees it (enum nft_synproxy_attributes, NF_SYNPROXY_OPT_*; nft_synproxy.c).
import { be16, be32, flags, u8 } from '../../wire/kinds.ts';
import { optional } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const synproxy = expression('synproxy', {
  /** The server's maximum segment size; counts with the flag `mss`. */
  mss: optional(1, be16),
  /** The server's window scale, 0 to 14; counts with the flag `wscale`. */
  wscale: optional(2, u8),
  /** The kernel takes no `ecn` (NF_SYNPROXY_OPT_MASK). */
  flags: optional(3, flags(be32, { mss: 1, wscale: 2, 'sack-perm': 4, timestamp: 8, ecn: 16 })),
});
