// ct expectation (enum nft_ct_expectation_attributes; nft_ct.c nft_ct_expect_obj_init).
import { be16, host32, u8, words } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { families } from '../messages.ts';
import { protocols, type StatefulKind } from './kind.ts';

export const ctExpectation: StatefulKind = {
  number: 9,
  table: attributes({
    l3proto: optional(1, words(be16, families)),
    protocol: optional(2, words(u8, protocols)),
    dport: optional(3, be16),
    /** Milliseconds; in the host's order, unlike its neighbours. */
    timeout: optional(4, host32),
    size: optional(5, u8),
  }),
};
