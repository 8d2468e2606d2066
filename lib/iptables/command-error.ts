// An error about one command, before anything was sent.
import { type FailedOperation, NetfilterError } from '../errors.ts';
import type { Command } from './commands.ts';

/** What an error says of the command: its chain or rule, line of save text. */
export function operationOf(family: string, table: string, index: number, c: Command): FailedOperation {
  const { verb, chain, line } = c;
  const numbered = line === undefined ? {} : { line };
  if (!('rule' in c) && verb !== 'deleteAt')
    return {
      index,
      verb,
      object:
        chain === undefined ? { table: { family, name: table, ...numbered } } : { chain: { family, table, name: chain, ...numbered } },
    };
  const place = { family, table, chain, ...numbered };
  return { index, verb, object: { rule: 'rule' in c ? { ...place, rule: c.rule } : place } };
}

/** What is to be deleted or checked isn't there. */
export const NO_SUCH_RULE = 'no such rule in that chain';

export function commandError(
  family: string,
  table: string,
  index: number,
  c: Command,
  reason: string,
  code: string,
  errno: number,
  cause?: unknown,
): NetfilterError {
  const where = c.line === undefined ? `operation ${index} (${c.verb} in ${table} ${c.chain ?? ''})` : `line ${c.line}`;
  return new NetfilterError(`${where}: ${reason.replace(/; nothing was sent$/, '')}; nothing was sent`, {
    code,
    errno,
    operation: operationOf(family, table, index, c),
    ...(cause === undefined ? {} : { cause }),
  });
}
