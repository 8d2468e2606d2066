// meta: packet metadata to or from a register (enum nft_meta_attributes, enum nft_meta_keys).
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

/** Keys in the words of nft(8) meta expressions; host byte order unless the value is an address, a protocol or a device name. */
// biome-ignore format: a line holds what belongs together
export const metaKeys = {
  len: 0, protocol: 1, priority: 2, mark: 3, iif: 4, oif: 5, iifname: 6, oifname: 7, iiftype: 8, oiftype: 9,
  skuid: 10, skgid: 11, nftrace: 12, rtclassid: 13, secmark: 14, nfproto: 15, l4proto: 16, ibrname: 17, obrname: 18,
  pkttype: 19, cpu: 20, iifgroup: 21, oifgroup: 22, cgroup: 23, random: 24, secpath: 25, iifkind: 26, oifkind: 27,
  ibrpvid: 28, ibrvproto: 29, time: 30, day: 31, hour: 32, sdif: 33, sdifname: 34, broute: 35, ibrhwaddr: 36,
} as const;

export const meta = expression('meta', {
  key: required(2, words(be32, metaKeys)),
  dreg: optional(1, be32),
  sreg: optional(3, be32),
});
