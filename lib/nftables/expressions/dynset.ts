// dynset: adds, updates or deletes an element of a set from the packet path (enum nft_dynset_attributes, nft_dynset_ops,
// nft_dynset_flags; nft_dynset.c).
import { be32, be64, flags, string, words } from '../../wire/kinds.ts';
import { optional, required } from '../../wire/table.ts';
import { NAME_MAX } from './data.ts';
import { expression } from './expression.ts';
import { statefulExpression, statefulExpressions } from './stateful.ts';

export const dynset = expression('dynset', {
  sregKey: required(4, be32),
  /** For maps. */
  sregData: optional(5, be32),
  /** `update` renews the timeout of an element that is there already. */
  op: required(3, words(be32, { add: 0, update: 1, delete: 2 })),
  /** Milliseconds. */
  timeout: optional(6, be64),
  set: required(1, string(NAME_MAX)),
  /** A set added in the same batch, by its NFTA_SET_ID. */
  setId: optional(2, be32),
  /** The one expression of a new element. */
  expr: optional(7, statefulExpression),
  /** Two of them; a single one is dumped as `expr`. */
  expressions: optional(10, statefulExpressions),
  /** `expr` announces `expr` or `expressions`. */
  flags: optional(9, flags(be32, { inv: 1, expr: 2 })),
});
