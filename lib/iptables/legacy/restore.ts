// Save text on legacy tables: table by table, each atomic, as iptables-legacy-restore does it.
import { NetfilterError } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import { rulesOfCommands } from '../commands.ts';
import type { RuleContext } from '../context.ts';
import type { SavedTable } from '../save-text.ts';
import { checkRestorable } from '../save-text.ts';
import { commitEncoded, encode } from './commit.ts';

export interface LegacyRestore {
  readonly noflush: boolean;
  readonly counters: boolean;
  readonly test: boolean;
  readonly lockTimeoutMs: number;
}

export function* restoreLegacy(context: RuleContext, tables: readonly SavedTable[], o: LegacyRestore): Verb<void> {
  for (const table of tables) checkRestorable(table, o, 'legacy');
  // What the kernel lacks, and sets that aren't there, are known before the first table is written.
  for (const { commands } of tables) yield* context.learn(rulesOfCommands(commands));
  const ready = tables.map(({ name, commands }) => {
    const work = { table: name, commands, fresh: !o.noflush };
    return { name, work, encoded: encode(context, work, o.counters) };
  });
  const done: string[] = [];
  for (const [i, { name, work, encoded }] of ready.entries()) {
    try {
      yield* commitEncoded(context, work, encoded, { dryRun: o.test, lockTimeoutMs: o.lockTimeoutMs });
    } catch (err) {
      throw o.test || !(err instanceof NetfilterError) ? err : ofAll(err, done, i + 1 < tables.length);
    }
    done.push(name);
  }
}

/** What the error of one table says of all: `done` were written before, and where there are `more`, they were not begun. */
function ofAll(err: NetfilterError, done: readonly string[], more: boolean): NetfilterError {
  const applied = err.outcome === 'applied';
  if (done.length === 0 && !(applied && more)) return err;
  const outcome = applied && !more ? 'applied' : err.outcome === 'unknown' ? 'unknown' : 'partly-applied';
  const text = [
    err.message.replace(/; nothing was sent$/, ''),
    ...(done.length === 0 ? [] : [`written before: ${done.join(', ')}`]),
    ...(more ? ['the tables after it are as they were'] : []),
  ].join('; ');
  return new NetfilterError(text, {
    code: err.code,
    errno: -err.errno,
    outcome,
    tables: [...done, ...(err.tables ?? [])],
    ...(err.operation === undefined ? {} : { operation: err.operation }),
    cause: err,
  });
}
