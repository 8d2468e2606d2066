// fib: asks the routing table (enum nft_fib_attributes, nft_fib_result, nft_fib_flags; nft_fib.c).
import { be32, flags, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const fib = expression('fib', {
  /** What is looked up: `saddr` or `daddr`, narrowed by mark, iif, oif. `present`: 1 or 0 instead of an oif. */
  flags: required(3, flags(be32, { saddr: 1, daddr: 2, mark: 4, iif: 8, oif: 16, present: 32 })),
  /** An interface index in host order, a name of 16 bytes, or an RTN_* address type in host order. */
  result: required(2, words(be32, { oif: 1, oifname: 2, type: 3 })),
  dreg: required(1, be32),
});
