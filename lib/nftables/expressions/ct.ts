// ct: conntrack's view of the packet to or from a register (enum nft_ct_attributes, nft_ct_keys).
import { be32, u8, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const ct = expression('ct', {
  // biome-ignore format: a line holds what belongs together
  key: required(2, words(be32, {
    state: 0, direction: 1, status: 2, mark: 3, secmark: 4, expiration: 5, helper: 6, l3proto: 7, src: 8, dst: 9,
    protocol: 10, 'proto-src': 11, 'proto-dst': 12, label: 13, packets: 14, bytes: 15, avgpkt: 16, zone: 17,
    event: 18, 'src ip': 19, 'dst ip': 20, 'src ip6': 21, 'dst ip6': 22, id: 23,
  })),
  dreg: optional(1, be32),
  /** enum ip_conntrack_dir. */
  direction: optional(3, words(u8, { original: 0, reply: 1 })),
  sreg: optional(4, be32),
});
