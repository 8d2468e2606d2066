// numgen: a running or random number (enum nft_ng_attributes, nft_ng_types; nft_numgen.c). NFTA_NG_SET_NAME and _SET_ID are
// deprecated and no kernel reads them.
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const numgen = expression('numgen', {
  /** Gets `offset` to `offset + modulus - 1`, in host order. */
  dreg: required(1, be32),
  /** At least 1. */
  modulus: required(2, be32),
  /** NFTA_NG_TYPE. */
  mode: required(3, words(be32, { inc: 0, random: 1 })),
  /** The sum of modulus and offset stays below 2^32. */
  offset: optional(4, be32),
});
