// counter (enum nft_counter_attributes; nft_counter.c).
import { be64 } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import type { StatefulKind } from './kind.ts';

export const counter: StatefulKind = {
  number: 1,
  table: attributes({ bytes: optional(1, be64), packets: optional(2, be64) }),
  resettable: true,
};
