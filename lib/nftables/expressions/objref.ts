// objref: runs a named object of the table: one by `kind` and `name`, or the one that `sreg` finds in an object map
// (enum nft_objref_attributes; nft_objref.c).
import { be32, string, words } from '../../wire/kinds.ts';
import { optional } from '../../wire/table.ts';
import { NAME_MAX } from './data.ts';
import { expression } from './expression.ts';

export const objref = expression('objref', {
  /** NFTA_OBJREF_IMM_TYPE, NFT_OBJECT_*. */
  // biome-ignore format: a line holds what belongs together
  kind: optional(1, words(be32, {
    counter: 1, quota: 2, 'ct helper': 3, limit: 4, connlimit: 5, tunnel: 6, 'ct timeout': 7, secmark: 8,
    'ct expectation': 9, synproxy: 10,
  })),
  name: optional(2, string(NAME_MAX)),
  sreg: optional(3, be32),
  set: optional(4, string(NAME_MAX)),
  /** A map added in the same batch, by its NFTA_SET_ID. */
  setId: optional(5, be32),
});
