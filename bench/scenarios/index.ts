// Every scenario, in the order they run.
import type { Scenario } from '../harness/scenario.ts';
import { counters, countersLegacy, countersOneChain } from './counters.ts';
import { exists } from './exists.ts';
import { load } from './load.ts';
import { plan } from './plan.ts';
import { sync, syncLegacy } from './sync.ts';
import { syncUnchanged, syncUnchangedLegacy } from './sync-unchanged.ts';

export const scenarios: readonly Scenario[] = [
  load,
  counters,
  countersOneChain,
  countersLegacy,
  sync,
  syncLegacy,
  syncUnchanged,
  syncUnchangedLegacy,
  exists,
  plan,
];
