// Save text as commands: every table at once, so that a restore is atomic over all of them.
import type { Verb } from '../../run.ts';
import { checkRestorable, type SavedTable } from '../save-text.ts';
import { commitCommands } from './commands.ts';
import type { CompatContext } from './context.ts';

export interface RestoreSettings {
  /** Keep what the text doesn't name. */
  readonly noflush: boolean;
  readonly counters: boolean;
  readonly test: boolean;
}

export function* restoreTables(context: CompatContext, tables: readonly SavedTable[], o: RestoreSettings): Verb<void> {
  for (const table of tables) checkRestorable(table, o);
  const work = tables.map((t) => ({ table: t.name, commands: t.commands, fresh: !o.noflush }));
  yield* commitCommands(context, work, { dryRun: o.test, handles: false, counters: o.counters });
}
