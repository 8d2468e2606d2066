// byteorder: turns the bytes of a register's integers round (enum nft_byteorder_attributes, nft_byteorder_ops; nft_byteorder.c).
import { be32, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const byteorder = expression('byteorder', {
  sreg: required(1, be32),
  dreg: required(2, be32),
  op: required(3, words(be32, { ntoh: 0, hton: 1 })),
  /** Bytes of all integers together: 1 to 255. */
  len: required(4, be32),
  /** Bytes of one integer: 2, 4 or 8. */
  size: required(5, be32),
});
