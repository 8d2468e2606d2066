// Rules on the wire (enum nft_rule_attributes; nf_tables_api.c nf_tables_newrule).

import { DecodeError } from '../../wire/errors.ts';
import { be32, be64, bytes, string } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import type { AnyExpression, ExpressionTables } from '../expressions/expression.ts';
import { expressionTables } from '../expressions/index.ts';
import { USERDATA_MAX } from './userdata.ts';

/** Numbers of NFTA_RULE_*. */
export const NFTA_RULE = { table: 1, chain: 2, handle: 3, expressions: 4, position: 6, userdata: 7 } as const;

/** NFTA_RULE_COMPAT: what an xtables match or target sees as the rule's protocol; sent, never dumped. */
const compatShape = {
  proto: optional(1, be32),
  /** NFT_RULE_COMPAT_F_INV is 2. */
  flags: optional(2, be32),
};

function shape(tables: ExpressionTables) {
  return {
    table: optional(NFTA_RULE.table, string(NAME_MAX)),
    chain: optional(NFTA_RULE.chain, string(NAME_MAX)),
    handle: optional(NFTA_RULE.handle, be64),
    /** The handle it goes before (insert) or after (append); dumped as the predecessor's. */
    position: optional(NFTA_RULE.position, be64),
    userdata: optional(NFTA_RULE.userdata, bytes(USERDATA_MAX)),
    expressions: optional(NFTA_RULE.expressions, tables.list),
    compat: optional(5, nested(attributes(compatShape))),
    /** Names the rule inside its batch; positionId refers to it. */
    id: optional(9, be32),
    positionId: optional(10, be32),
    chainId: optional(11, be32),
  };
}

export type RuleAttributes = Fields<ReturnType<typeof shape>>;
export function ruleTableOf(tables: ExpressionTables): AttributeTable<RuleAttributes> {
  return attributes(shape(tables));
}
export const ruleTable: AttributeTable<RuleAttributes> = ruleTableOf(expressionTables);

/** The payload of NFTA_RULE_EXPRESSIONS, where the rule has it. */
export function readExpressions(buffer: Uint8Array, span: readonly [start: number, end: number] | undefined): readonly AnyExpression[] {
  if (span === undefined) return [];
  const list = expressionTables.list.get(buffer, span[0], span[1]);
  if (list === undefined) throw new DecodeError('a rule whose expressions are no list', span[0]);
  return list;
}
export type { AnyExpression };
