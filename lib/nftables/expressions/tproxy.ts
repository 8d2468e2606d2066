// tproxy: to a local socket, the packet unchanged (enum nft_tproxy_attributes; nft_tproxy.c). `addr` and `port` name
// registers with an address and a port in network order.
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const tproxy = expression('tproxy', {
  /** NFPROTO_*: any, in an inet table and without an address. */
  family: required(1, words(be32, { any: 0, ip: 2, ip6: 10 })),
  addr: optional(2, be32),
  port: optional(3, be32),
});
