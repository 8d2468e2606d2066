// reject: drops with an answer (enum nft_reject_attributes, nft_reject_types).
import { be32, u8, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const reject = expression('reject', {
  /** NFTA_REJECT_TYPE. */
  kind: required(1, words(be32, { icmp: 0, 'tcp reset': 1, icmpx: 2 })),
  /** The ICMP code, or NFT_REJECT_ICMPX_* for icmpx. */
  code: optional(2, u8),
});
