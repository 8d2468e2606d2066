// What our own zeroing takes away, for who compares polls: a commit of a legacy table tells nobody what it had counted.
import type { Connection } from '../../connection.ts';
import { NOTHING } from '../../counters/arithmetic.ts';
import { ledgerOf } from '../../counters/ledger.ts';
import type { RuleCounters } from '../../counters/rows.ts';
import type { Verb } from '../../run.ts';
import type { Command } from '../commands.ts';

/** Runs `commit` of commands that zero chains and do nothing else, with the counters read right before; any other commands as they are. */
export function* noted<T>(
  connection: Connection,
  commands: readonly Command[],
  counters: () => Verb<RuleCounters>,
  commit: () => Verb<T>,
): Verb<T> {
  const ledger = ledgerOf(connection);
  const only = commands.length > 0 && commands.every((c) => c.verb === 'zero' && c.number === undefined);
  if (!only || !ledger.wanted) return yield* commit();
  const all = commands.some((c) => c.chain === undefined);
  const zeroed = new Set(commands.map((c) => c.chain));
  return yield* ledger.during(function* () {
    const before = yield* ledger.look(counters);
    const done = yield* commit();
    if (before === undefined) return done;
    for (const place of before.places) {
      if (!all && !zeroed.has(place.chain)) continue;
      const had = all ? before.of(place) : before.copyOf(place);
      ledger.add({ kind: 'restore', place, counters: Array<typeof NOTHING>(had.end - had.start).fill(NOTHING), before: had });
    }
    return done;
  });
}
