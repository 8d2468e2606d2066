// log: to the kernel log, or to a netlink group when `group` is set (enum nft_log_attributes; nft_log.c).
import { be16, be32, flags, string, words } from '../../wire/kinds.ts';
import { optional } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const log = expression('log', {
  /** At most 127 bytes: NF_LOG_PREFIXLEN with its NUL. */
  prefix: optional(2, string(127)),
  group: optional(1, be16),
  /** Bytes of the packet copied to the group. */
  snaplen: optional(3, be32),
  /** Packets queued before a message goes to the group. */
  qthreshold: optional(4, be16),
  level: optional(5, words(be32, { emerg: 0, alert: 1, crit: 2, err: 3, warn: 4, notice: 5, info: 6, debug: 7, audit: 8 })),
  /** NF_LOG_*: TCPSEQ, TCPOPT, IPOPT, UID, NFLOG, MACDECODE. */
  flags: optional(6, flags(be32, { 'tcp sequence': 1, 'tcp options': 2, 'ip options': 4, skuid: 8, nflog: 16, ether: 32 })),
});
