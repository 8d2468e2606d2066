// What a chain allows in its rules, known before anything is sent (xshared.c: "Can't use -i with OUTPUT").
import type { RuleSpec } from './rule-spec.ts';

const noOut = new Set(['PREROUTING', 'INPUT']);
const noIn = new Set(['POSTROUTING', 'OUTPUT']);

/** The letter of the interface that the builtin chain does not have, where the rule names it. */
export function refusedInterface(chain: string, rule: Pick<RuleSpec, 'inInterface' | 'outInterface'>): 'i' | 'o' | undefined {
  if (rule.outInterface !== undefined && noOut.has(chain)) return 'o';
  return rule.inInterface !== undefined && noIn.has(chain) ? 'i' : undefined;
}
