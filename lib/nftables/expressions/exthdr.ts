// exthdr: a field of an IPv6 extension header, a TCP, IPv4 or DCCP option, or an SCTP chunk (enum nft_exthdr_attributes,
// nft_exthdr_op, nft_exthdr_flags; nft_exthdr.c). With `dreg` it is read, with `sreg` written (TCP options only), with neither
// the TCP option is overwritten with NOPs (nft's `reset tcp option`).
import { be32, flags, u8, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const exthdr = expression('exthdr', {
  dreg: optional(1, be32),
  sreg: optional(7, be32),
  /** NFTA_EXTHDR_TYPE: protocol number of the header, kind of the option, type of the chunk. */
  kind: required(2, u8),
  /** Bytes from the start of the header, option or chunk. */
  offset: optional(3, be32),
  /** Bytes. */
  len: optional(4, be32),
  op: optional(6, words(be32, { exthdr: 0, 'tcp option': 1, 'ip option': 2, 'sctp chunk': 3, 'dccp option': 4 })),
  /** `present`: 1 or 0 in the register instead of the field; `len` is 1 then. */
  flags: optional(5, flags(be32, { present: 1 })),
});
