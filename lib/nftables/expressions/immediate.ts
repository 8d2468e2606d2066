// immediate: a value into a register, or a verdict into register 0 (enum nft_immediate_attributes).
import { be32 } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { valueOrVerdict } from './data.ts';
import { expression } from './expression.ts';

export const immediate = expression('immediate', {
  dreg: required(1, be32),
  data: required(2, valueOrVerdict),
});
