// lookup: a register in a set, or through a map into another (enum nft_lookup_attributes).
import { be32, flags, string } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { NAME_MAX } from './data.ts';
import { expression } from './expression.ts';

export const lookup = expression('lookup', {
  sreg: required(2, be32),
  dreg: optional(3, be32),
  set: required(1, string(NAME_MAX)),
  /** A set added in the same batch, by its NFTA_SET_ID. */
  setId: optional(4, be32),
  flags: optional(5, flags(be32, { inv: 1 })),
});
