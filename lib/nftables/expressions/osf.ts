// osf: the sender's operating system by its SYN packet (enum nft_osf_attributes, nft_osf_flags; nft_osf.c).
import { be32, flags, u8, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { expression } from './expression.ts';

export const osf = expression('osf', {
  /** Gets a name of 16 bytes padded with NUL, `unknown` where no fingerprint fits. */
  dreg: required(1, be32),
  /** NF_OSF_TTL_*: the TTL equals the fingerprint's, is at most that, or doesn't matter. */
  ttl: optional(2, words(u8, { strict: 0, loose: 1, skip: 2 })),
  /** `version`: the name is followed by `:` and the version. */
  flags: optional(3, flags(be32, { version: 1 })),
});
