// connlimit: a count of connections, nft's `ct count` (enum nft_connlimit_attributes; nft_connlimit.c).
import { be32 } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { invertFlag, type StatefulKind } from './kind.ts';

export const connlimit: StatefulKind = {
  number: 5,
  table: attributes({ val: optional(1, be32), inv: optional(2, invertFlag) }),
};
