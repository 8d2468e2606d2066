// All expression tables, and the type that follows from them.
import { bitwise } from './bitwise.ts';
import { cmp } from './cmp.ts';
import { counter } from './counter.ts';
import { ct } from './ct.ts';
import { type ExpressionTable, ExpressionTables, type KnownExpression, type UnknownExpression } from './expression.ts';
import { immediate } from './immediate.ts';
import { limit } from './limit.ts';
import { log } from './log.ts';
import { lookup } from './lookup.ts';
import { match, target } from './match.ts';
import { meta } from './meta.ts';
import { masq, nat, redir } from './nat.ts';
import { payload } from './payload.ts';
import { range } from './range.ts';
import { reject } from './reject.ts';

const tables = [
  bitwise,
  cmp,
  counter,
  ct,
  immediate,
  limit,
  log,
  lookup,
  masq,
  match,
  meta,
  nat,
  payload,
  range,
  redir,
  reject,
  target,
] as const;

type Of<T> = T extends ExpressionTable<infer N, infer S> ? KnownExpression<N, S> : never;
/** An expression some table knows, discriminated by `type`. */
export type KnownExpressions = Of<(typeof tables)[number]>;
/** Any expression of a rule. What nflink doesn't know is `{ type: 'unknown', name, data }` and goes back byte for byte. */
export type Expression = KnownExpressions | UnknownExpression;
export type { Verdict } from './data.ts';
export type { UnknownExpression } from './expression.ts';

export const expressionTables: ExpressionTables = new ExpressionTables(tables);
/** The same without some tables: what an older nflink would see. For tests. */
export function tablesWithout(...hidden: readonly string[]): ExpressionTables {
  return new ExpressionTables(tables.filter((t) => !hidden.includes(t.name)));
}
