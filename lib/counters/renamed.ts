// Chains that have another name, where no handle says so (legacy): the kernel kept what their rules have counted, and what the rules that jump to
// them have.
import { chainKey, chainNumbers, chainRows, type RuleStructure, tableKey } from './rows.ts';

/** By number of the later poll: the number the chain had, where one chain alone has gone and one come with the same rules. */
export function renamedChains(earlier: RuleStructure, later: RuleStructure): Map<number, number> {
  const gone = strangers(earlier, chainNumbers(later));
  const renamed = new Map<number, number>();
  if (gone.size === 0) return renamed;
  for (const [rules, numbers] of strangers(later, chainNumbers(earlier))) {
    const [was, ...others] = gone.get(rules) ?? [];
    const [is, ...more] = numbers;
    if (was !== undefined && is !== undefined && others.length + more.length === 0) renamed.set(is, was);
  }
  return renamed;
}

/** The chains that `other` doesn't have, by table and rules. */
function strangers(structure: RuleStructure, other: ReadonlyMap<string, number>): Map<string, number[]> {
  const out = new Map<string, number[]>();
  for (const [number, place] of structure.places.entries()) {
    if (other.has(chainKey(place))) continue;
    const rules = `${tableKey(place)}\0${structure.contents.subarray(...chainRows(structure, number)).join()}`;
    const numbers = out.get(rules);
    if (numbers === undefined) out.set(rules, [number]);
    else numbers.push(number);
  }
  return out;
}
