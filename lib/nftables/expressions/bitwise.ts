// bitwise: dreg = (sreg & mask) ^ xor, or a shift, or AND/OR/XOR of two registers (enum nft_bitwise_attributes).
import { be32, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { value } from './data.ts';
import { expression } from './expression.ts';

export const bitwise = expression('bitwise', {
  sreg: required(1, be32),
  dreg: required(2, be32),
  /** enum nft_bitwise_ops; absent in messages of kernels before 5.6 and then mask-xor. */
  op: optional(6, words(be32, { 'mask-xor': 0, lshift: 1, rshift: 2, and: 3, or: 4, xor: 5 })),
  /** Bytes. */
  len: required(3, be32),
  mask: optional(4, value),
  xor: optional(5, value),
  /** The distance of a shift, or the right operand of and, or, xor. */
  data: optional(7, value),
  sreg2: optional(8, be32),
});
