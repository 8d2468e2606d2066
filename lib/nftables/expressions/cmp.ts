// cmp: a register against a value (enum nft_cmp_attributes). The comparison is memcmp: <, > need network byte order.
import { be32, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { value } from './data.ts';
import { expression } from './expression.ts';

export const cmp = expression('cmp', {
  sreg: required(1, be32),
  op: required(2, words(be32, { '==': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 })),
  data: required(3, value),
});
