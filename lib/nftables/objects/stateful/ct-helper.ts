// ct helper (enum nft_ct_helper_attributes; nft_ct.c nft_ct_helper_obj_init).
import { be16, string, u8, words } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { families } from '../messages.ts';
import { protocols, type StatefulKind } from './kind.ts';

export const ctHelper: StatefulKind = {
  number: 3,
  table: attributes({
    /** The helper's name, such as ftp: NF_CT_HELPER_NAME_LEN is 16 with its NUL. */
    type: optional(1, string(15)),
    l3proto: optional(2, words(be16, families)),
    protocol: optional(3, words(u8, protocols)),
  }),
};
