// nat, masq, redir: address translation (enum nft_nat_attributes, nft_masq_attributes, nft_redir_attributes).
// Addresses and ports are in the named registers, in network byte order.
import { be32, flags, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

/** NF_NAT_RANGE_* (linux/netfilter/nf_nat.h). */
// biome-ignore format: a line holds what belongs together
const natFlags = flags(be32, {
  'map-ips': 1, 'proto-specified': 2, random: 4, persistent: 8, 'fully-random': 16, 'proto-offset': 32, netmap: 64,
});

export const nat = expression('nat', {
  /** NFTA_NAT_TYPE. */
  kind: required(1, words(be32, { snat: 0, dnat: 1 })),
  family: required(2, words(be32, { ip: 2, ip6: 10 })),
  addrMin: optional(3, be32),
  addrMax: optional(4, be32),
  protoMin: optional(5, be32),
  protoMax: optional(6, be32),
  flags: optional(7, natFlags),
});

export const masq = expression('masq', {
  flags: optional(1, natFlags),
  protoMin: optional(2, be32),
  protoMax: optional(3, be32),
});

export const redir = expression('redir', {
  protoMin: optional(1, be32),
  protoMax: optional(2, be32),
  flags: optional(3, natFlags),
});
