// connlimit: true up to a number of connections, nft's `ct count` (enum nft_connlimit_attributes, nft_connlimit_flags).
import { be32, flags } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const connlimit = expression('connlimit', {
  /** Connections. */
  count: required(1, be32),
  /** `inv`: true above the number, nft's `over`. */
  flags: optional(2, flags(be32, { inv: 1 })),
});
