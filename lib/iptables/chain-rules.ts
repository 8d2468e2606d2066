// What a chain allows in its rules, known before anything is sent (xshared.c: "Can't use -i with OUTPUT").
import { RuleSyntaxError } from '../errors.ts';
import type { RuleSpec } from './rule-spec.ts';

const noOut = new Set(['PREROUTING', 'INPUT']);
const noIn = new Set(['POSTROUTING', 'OUTPUT']);

/** Throws where the builtin chain has no such interface. */
export function checkInterfaces(chain: string, spec: RuleSpec): void {
  const word =
    spec.outInterface !== undefined && noOut.has(chain) ? '-o' : spec.inInterface !== undefined && noIn.has(chain) ? '-i' : undefined;
  if (word !== undefined) throw new RuleSyntaxError(`can't use ${word} with ${chain}`, { word, wordIndex: 0, column: 1 });
}
