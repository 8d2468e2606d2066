// range: a register against two bounds, both included, in network byte order (enum nft_range_attributes).
import { be32, words } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { value } from './data.ts';
import { expression } from './expression.ts';

export const range = expression('range', {
  sreg: required(1, be32),
  op: required(2, words(be32, { '==': 0, '!=': 1 })),
  from: required(3, value),
  to: required(4, value),
});
