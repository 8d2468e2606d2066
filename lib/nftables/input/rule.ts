// Rules in a transaction.
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { inferCompat } from '../compat.ts';
import { acceptable } from '../expressions/acceptable.ts';
import * as m from '../objects/messages.ts';
import { type AnyExpression, ruleTable } from '../objects/rule.ts';
import { withComment } from '../objects/userdata.ts';
import { tied } from '../sets/anonymous.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, only, payloadAt, type WriteContext } from './kind.ts';

const NFTA_RULE_HANDLE = 3;
const NFTA_RULE_POSITION = 6;

export const rule: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_CREATE | m.NLM_F_APPEND },
    create: { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_CREATE | m.NLM_F_EXCL | m.NLM_F_APPEND },
    insert: { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_CREATE },
    replace: { type: m.NFT_MSG_NEWRULE, flags: m.NLM_F_REPLACE },
    delete: { type: m.NFT_MSG_DELRULE, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYRULE, flags: 0 },
    reset: { type: m.NFT_MSG_GETRULE_RESET, flags: 0 },
  },
  write,
};

/** A dumped expression in the form the kernel takes back. What is none is left for the writer to refuse. */
function asTaken(e: AnyExpression): AnyExpression {
  return typeof e === 'object' && e !== null ? acceptable(e) : e;
}

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'table', 'chain', 'chainId', 'handle', 'index', 'comment', 'userdata', 'expressions']);
  const family = m.familyNumber(input['family']);
  const table = nameIn(input, 'table');
  const chain = chainIn(input, c);
  const header = { type: c.type, flags: c.flags, family };
  const handle = handleIn(input);
  const index = input['index'];
  const adding = c.verb === 'add' || c.verb === 'create' || c.verb === 'insert';
  if (index !== undefined && handle === undefined && !(typeof index === 'number' && Number.isInteger(index) && index >= 0)) {
    throw new EncodeError('index', `a place in the chain from 0 is needed, not ${show(index)}`);
  }
  if (c.at.id !== undefined && (handle !== undefined || index !== undefined)) {
    throw new EncodeError('at', 'a place beside another operation, or a handle or index, not both');
  }
  const byIndex = handle === undefined && c.at.id === undefined && typeof index === 'number';
  if (!adding && handle === undefined && !byIndex)
    throw new EncodeError('handle', `is missing: ${c.verb} needs the rule's handle or index`);
  // A handle still to be looked up is written as 0 and filled in before sending.
  const place = byIndex ? 0n : handle;
  const start = c.w.length;
  const needsBody = adding || c.verb === 'replace';
  const expressions = input['expressions'] as readonly AnyExpression[] | undefined;
  if (needsBody && expressions === undefined) throw new EncodeError('expressions', 'is missing');
  if (needsBody && !Array.isArray(expressions)) throw new EncodeError('expressions', `a list is needed, not ${show(expressions)}`);
  const compat = needsBody ? inferCompat(input['family'] as Family, expressions ?? []) : undefined;
  ruleTable.encode(c.w, {
    table,
    ...chain,
    ...(adding ? {} : given('handle', place)),
    ...(adding && c.at.id === undefined ? given('position', place) : {}),
    ...(needsBody ? given('userdata', withComment(input['userdata'], input['comment'])) : {}),
    ...(needsBody ? { expressions: tied((expressions ?? []).map(asTaken), family, table, c.sets) } : {}),
    ...given('compat', compat),
    ...(adding ? { id: ruleId(c.index), ...given('positionId', c.at.id === undefined ? undefined : ruleId(c.at.id)) } : {}),
  });
  const flags = c.at.position === 'before' ? c.flags & ~m.NLM_F_APPEND : c.flags;
  if (!byIndex) return c.emit({ ...header, flags });
  c.emit({
    ...header,
    flags,
    lookup: {
      kind: 'rule handle',
      family,
      table,
      chain: nameIn(input, 'chain'),
      index: index as number,
      at: payloadAt(c.w, start, adding ? NFTA_RULE_POSITION : NFTA_RULE_HANDLE),
    },
  });
}

/** By name, or by the id of a chain that this transaction adds without one. */
function chainIn(input: Input, c: WriteContext): { readonly chain: string } | { readonly chainId: number } {
  const id = input['chainId'];
  if (id === undefined || input['chain'] !== undefined) return { chain: nameIn(input, 'chain') };
  if (c.verb !== 'add' && c.verb !== 'create' && c.verb !== 'insert') throw new EncodeError('chainId', `${c.verb} needs the chain's name`);
  if (typeof id !== 'number') throw new EncodeError('chainId', `a number is needed, not ${show(id)}`);
  return { chainId: id };
}

/** NFTA_RULE_ID of the operation: 0 is a value too, but 1-based reads better in traces. */
function ruleId(index: number): number {
  return index + 1;
}
