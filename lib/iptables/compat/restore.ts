// Save text as commands: every table at once, so that a restore is atomic over all of them.
import type { Verb } from '../../run.ts';
import type { Command, TableCommands } from '../commands.ts';
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
  for (const table of tables) checkRestorable(table, o, 'nft');
  const work = o.noflush ? merged(tables) : tables.map((t) => ({ table: t.name, commands: t.commands, fresh: true }));
  yield* commitCommands(context, work, { dryRun: o.test, handles: false, counters: o.counters });
}

/** A table that the text has twice is one here: what the second names is what the first leaves. One that begins anew forgets the first. */
function merged(tables: readonly SavedTable[]): TableCommands[] {
  const byName = new Map<string, Command[]>();
  for (const { name, commands } of tables) {
    const before = byName.get(name);
    if (before === undefined) byName.set(name, [...commands]);
    else for (const c of commands) before.push(c);
  }
  return [...byName].map(([table, commands]) => ({ table, commands, fresh: false }));
}
