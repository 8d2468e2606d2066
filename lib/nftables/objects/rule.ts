// Rules on the wire (enum nft_rule_attributes; nf_tables_api.c nf_tables_newrule).
import { be32, be64, bytes, string } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import type { AnyExpression, ExpressionTables } from '../expressions/expression.ts';
import { expressionTables } from '../expressions/index.ts';
import { USERDATA_MAX } from './userdata.ts';

/** NFTA_RULE_COMPAT: what an xtables match or target sees as the rule's protocol; sent, never dumped. */
const compatShape = {
  proto: optional(1, be32),
  /** NFT_RULE_COMPAT_F_INV is 2. */
  flags: optional(2, be32),
};

function shape(tables: ExpressionTables) {
  return {
    table: optional(1, string(NAME_MAX)),
    chain: optional(2, string(NAME_MAX)),
    handle: optional(3, be64),
    /** The handle it goes before (insert) or after (append); dumped as the predecessor's. */
    position: optional(6, be64),
    userdata: optional(7, bytes(USERDATA_MAX)),
    expressions: optional(4, tables.list),
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
export type { AnyExpression };
