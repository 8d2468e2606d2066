// xfrm: the IPsec state of a packet, nft's `ipsec` (enum nft_xfrm_attributes, nft_xfrm_keys; nft_xfrm.c).
import { be32, u8, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const xfrm = expression('xfrm', {
  /** Addresses and spi in network order, reqid in host order. */
  key: required(2, words(be32, { 'ip daddr': 1, 'ip6 daddr': 2, 'ip saddr': 3, 'ip6 saddr': 4, reqid: 5, spi: 6 })),
  /** XFRM_POLICY_IN, XFRM_POLICY_OUT. */
  dir: required(3, words(u8, { in: 0, out: 1 })),
  /** Which of several transformations, 0 to 5 (below XFRM_MAX_DEPTH); absent is 0. */
  spnum: optional(4, be32),
  dreg: required(1, be32),
});
