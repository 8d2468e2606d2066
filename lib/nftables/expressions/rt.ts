// rt: the packet's route (enum nft_rt_attributes, nft_rt_keys; nft_rt.c).
import { be32, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const rt = expression('rt', {
  /** classid: 4 bytes in host order; nexthop: an address; mtu (NFT_RT_TCPMSS): 2 bytes in host order; ipsec: 1 byte, 0 or 1. */
  key: required(2, words(be32, { classid: 0, 'ip nexthop': 1, 'ip6 nexthop': 2, mtu: 3, ipsec: 4 })),
  dreg: required(1, be32),
});
