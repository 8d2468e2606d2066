// All expression tables, and the type that follows from them.

import { bitwise } from './bitwise.ts';
import { byteorder } from './byteorder.ts';
import { cmp } from './cmp.ts';
import { connlimit } from './connlimit.ts';
import { counter } from './counter.ts';
import { ct } from './ct.ts';
import { dup, fwd } from './dup.ts';
import { dynset } from './dynset.ts';
import { ExpressionTables, type KnownOf, type UnknownExpression } from './expression.ts';
import { exthdr } from './exthdr.ts';
import { fib } from './fib.ts';
import { flowOffload } from './flow-offload.ts';
import { hash } from './hash.ts';
import { immediate } from './immediate.ts';
import { inner } from './inner.ts';
import { last } from './last.ts';
import { limit } from './limit.ts';
import { log } from './log.ts';
import { lookup } from './lookup.ts';
import { match, target } from './match.ts';
import { meta } from './meta.ts';
import { masq, nat, redir } from './nat.ts';
import { notrack } from './notrack.ts';
import { numgen } from './numgen.ts';
import { objref } from './objref.ts';
import { osf } from './osf.ts';
import { payload } from './payload.ts';
import { queue } from './queue.ts';
import { quota } from './quota.ts';
import { range } from './range.ts';
import { reject } from './reject.ts';
import { rt } from './rt.ts';
import { socket } from './socket.ts';
import { synproxy } from './synproxy.ts';
import { tproxy } from './tproxy.ts';
import { tunnel } from './tunnel.ts';
import { xfrm } from './xfrm.ts';

const tables = [
  bitwise,
  byteorder,
  cmp,
  connlimit,
  counter,
  ct,
  dup,
  dynset,
  exthdr,
  fib,
  flowOffload,
  fwd,
  hash,
  immediate,
  inner,
  last,
  limit,
  log,
  lookup,
  masq,
  match,
  meta,
  nat,
  notrack,
  numgen,
  objref,
  osf,
  payload,
  queue,
  quota,
  range,
  redir,
  reject,
  rt,
  socket,
  synproxy,
  target,
  tproxy,
  tunnel,
  xfrm,
] as const;

/** An expression some table knows, discriminated by `type`. */
export type KnownExpressions = KnownOf<typeof tables>;
/** Any expression of a rule. What nflink doesn't know is `{ type: 'unknown', name, data }` and goes back byte for byte. */
export type Expression = KnownExpressions | UnknownExpression;
export type { Verdict } from './data.ts';
export type { UnknownExpression } from './expression.ts';
export type { InnerExpression } from './inner.ts';
export type { StatefulExpression } from './stateful.ts';

export const expressionTables: ExpressionTables = new ExpressionTables(tables);
/** The same without some tables: what an older nflink would see. For tests. */
export function tablesWithout(...hidden: readonly string[]): ExpressionTables {
  return new ExpressionTables(tables.filter((t) => !hidden.includes(t.name)));
}
