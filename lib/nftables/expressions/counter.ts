// counter: packets and bytes that reached it (enum nft_counter_attributes).
import { be64 } from '../../wire/kinds.ts';
import { required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const counter = expression('counter', {
  bytes: required(1, be64),
  packets: required(2, be64),
});
