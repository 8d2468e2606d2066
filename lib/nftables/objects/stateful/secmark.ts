// secmark (enum nft_secmark_attributes; nft_meta.c nft_secmark_obj_init). NFT_SECMARK_CTX_MAXLEN is 4096 with the NUL.
import { string } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import type { StatefulKind } from './kind.ts';

export const secmark: StatefulKind = { number: 8, table: attributes({ context: optional(1, string(4095)) }) };
