// A poll of one table's rules: a dump of the rules of nothing is empty and no error, whether the table is empty or gone.
import type { Verb } from '../run.ts';
import type { RuleCounters } from './rows.ts';

/** No rules only where the table is there: `mustExist` throws where it isn't. */
export function* ofTable(poll: () => Verb<RuleCounters>, mustExist: () => Verb<void>): Verb<RuleCounters> {
  const counters = yield* poll();
  if (counters.length > 0) return counters;
  yield* mustExist();
  // It may have come between the two looks.
  return yield* poll();
}
