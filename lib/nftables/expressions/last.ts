// last: when a packet last came by (enum nft_last_attributes; nft_last.c).
import { be32, be64 } from '../../wire/kinds.ts';
import { optional } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const last = expression('last', {
  /** Milliseconds since the last packet. */
  msecs: optional(2, be64),
  /** 1 when there was a packet, 0 for nft's `never`. */
  set: optional(1, be32),
});
