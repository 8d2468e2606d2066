// An error about one command, before anything was sent.
import { type FailedOperation, NetfilterError } from '../errors.ts';
import type { Command } from './commands.ts';

/** What an error says of the command: place, line of save text, rule. */
export function operationOf(family: string, table: string, index: number, c: Command): FailedOperation {
  const { verb, chain, line } = c;
  const place = line === undefined ? { family, table, chain } : { family, table, chain, line };
  return { index, verb, object: { rule: 'rule' in c ? { ...place, rule: c.rule } : place } };
}

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
