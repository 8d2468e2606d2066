// payload: bytes of the packet to a register, or from one with a checksum to mend (enum nft_payload_attributes).
import { be32, flags, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const payload = expression('payload', {
  sreg: optional(5, be32),
  dreg: optional(1, be32),
  /** enum nft_payload_bases. */
  base: required(2, words(be32, { link: 0, network: 1, transport: 2, inner: 3, tunnel: 4 })),
  /** Bytes from the base. */
  offset: required(3, be32),
  /** Bytes. */
  len: required(4, be32),
  csumType: optional(6, words(be32, { none: 0, inet: 1, sctp: 2 })),
  csumOffset: optional(7, be32),
  csumFlags: optional(8, flags(be32, { 'l4-pseudohdr': 1 })),
});
