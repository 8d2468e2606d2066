// quota: true until so many bytes came by (enum nft_quota_attributes, nft_quota_flags; nft_quota.c).
import { be32, be64, flags } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const quota = expression('quota', {
  /** At most 2^63-1. */
  bytes: required(1, be64),
  /** Bytes counted so far, at most `bytes`. */
  consumed: optional(4, be64),
  /** `inv`: true above the quota, nft's `over`. `depleted` is the kernel's: `consumed` has reached `bytes`. */
  flags: optional(2, flags(be32, { inv: 1, depleted: 2 })),
});
