// dup and fwd: a copy of the packet, or the packet itself, to another address or device (enum nft_dup_attributes,
// nft_fwd_attributes; nft_dup_ipv4.c, nft_dup_netdev.c, nft_fwd_netdev.c). Attributes name registers: addresses there are
// in network order, devices are interface indexes in host order.
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

/** ip and ip6: `addr`, with or without `dev`. netdev: `dev` only. */
export const dup = expression('dup', {
  addr: optional(1, be32),
  dev: optional(2, be32),
});

/** netdev only. `addr` needs `family`, and asks for the neighbour's link-layer address on `dev`. */
export const fwd = expression('fwd', {
  dev: required(1, be32),
  addr: optional(2, be32),
  /** NFPROTO_*. */
  family: optional(3, words(be32, { ip: 2, ip6: 10 })),
});
