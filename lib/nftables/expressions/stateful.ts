// Expressions that keep a state of their own in each set element (NFT_EXPR_STATEFUL): what a set, an element or dynset may
// hold. They hold no expressions in turn, so reading them never goes deeper; any other name there is kept as `unknown`.
import type { Kind } from '../../wire/kinds.ts';
import { connlimit } from './connlimit.ts';
import { counter } from './counter.ts';
import { ExpressionTables, type KnownOf, type UnknownExpression } from './expression.ts';
import { last } from './last.ts';
import { limit } from './limit.ts';
import { quota } from './quota.ts';

const tables = [connlimit, counter, last, limit, quota] as const;

export type StatefulExpression = KnownOf<typeof tables> | UnknownExpression;

const registry = new ExpressionTables(tables);
/** One of them, as in NFTA_DYNSET_EXPR. */
export const statefulExpression = registry.element as Kind<StatefulExpression>;
/** Several, each in an NFTA_LIST_ELEM, as in NFTA_DYNSET_EXPRESSIONS. */
export const statefulExpressions = registry.list as Kind<readonly StatefulExpression[]>;
