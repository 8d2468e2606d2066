// What the rules of a restored text began to count from: who compares polls then knows what was counted since.
import { NOTHING } from '../counters/arithmetic.ts';
import type { OwnRestore } from '../counters/ledger.ts';
import type { Counter } from '../model/ruleset.ts';
import type { IpFamily } from './extensions/codec.ts';
import type { SavedTable } from './save-text.ts';

/** Of tables that begin anew, by chain. A chain whose rules were not only appended is left out. */
export function* restoredCounters(tables: readonly SavedTable[], family: IpFamily, counters: boolean): Generator<OwnRestore> {
  for (const { name: table, commands } of tables) {
    const chains = new Map<string, Counter[]>();
    const other = new Set<string | undefined>();
    for (const c of commands) {
      if (c.verb !== 'append') {
        if (c.verb !== 'declareChain' && c.verb !== 'newChain' && c.verb !== 'setPolicy') other.add(c.chain);
        continue;
      }
      const rules = chains.get(c.chain) ?? [];
      rules.push((counters ? c.leading : undefined) ?? c.rule.counter ?? NOTHING);
      chains.set(c.chain, rules);
    }
    if (other.has(undefined)) continue;
    for (const [chain, begun] of chains) if (!other.has(chain)) yield { kind: 'restore', place: { family, table, chain }, counters: begun };
  }
}
