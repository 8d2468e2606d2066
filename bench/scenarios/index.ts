// Every scenario, in the order they run.
import type { Scenario } from '../harness/scenario.ts';
import { counters, countersLegacy, countersOneChain } from './counters.ts';
import { load } from './load.ts';

export const scenarios: readonly Scenario[] = [load, counters, countersOneChain, countersLegacy];
