// Save text on legacy tables: table by table, each atomic, as iptables-legacy-restore does it.
import { NetfilterError } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import { rulesOfCommands } from '../commands.ts';
import type { RuleContext } from '../context.ts';
import { ofAllTables } from '../partly-applied.ts';
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
      throw o.test || !(err instanceof NetfilterError) ? err : ofAllTables(err, done, i + 1 < tables.length);
    }
    done.push(name);
  }
}
