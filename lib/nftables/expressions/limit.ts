// limit: a token bucket (enum nft_limit_attributes; nft_limit.c).
import { be32, be64, flags, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const limit = expression('limit', {
  /** Packets or bytes per unit. Of bytes, (rate + burst) × unit × 10^9 has to fit 64 bits: the kernel says EOVERFLOW. */
  rate: required(1, be64),
  /** Seconds. */
  unit: required(2, be64),
  burst: optional(3, be32),
  /** What is counted: NFTA_LIMIT_TYPE (`type` is the expression's own name here). */
  per: optional(4, words(be32, { packets: 0, bytes: 1 })),
  flags: optional(5, flags(be32, { inv: 1 })),
});
