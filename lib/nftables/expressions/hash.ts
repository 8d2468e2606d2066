// hash: a number below `modulus` from a register, or from the packet's flow (enum nft_hash_attributes, nft_hash_types;
// nft_hash.c). NFTA_HASH_SET_NAME and _SET_ID are deprecated and no kernel reads them.
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const hash = expression('hash', {
  /** jhash only. */
  sreg: optional(1, be32),
  dreg: required(2, be32),
  /** Bytes of the register that are hashed, 1 to 255; jhash only. */
  len: optional(3, be32),
  /** At least 1. */
  modulus: required(4, be32),
  /** jhash only; absent or 0: the kernel draws one, and does not tell it. */
  seed: optional(5, be32),
  /** Added to the result; the sum of modulus and offset stays below 2^32. */
  offset: optional(6, be32),
  /** NFTA_HASH_TYPE. */
  kind: optional(7, words(be32, { jhash: 0, symhash: 1 })),
});
