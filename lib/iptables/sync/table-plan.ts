// What has to happen to a table: the least that makes its chains in scope those that are desired.
import { ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { type Alignment, align, alignmentOf } from '../../sync/align.ts';
import type { Counts } from '../../sync/report.ts';
import { builtinChain, noChain } from '../builtin.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { DesiredChain, DesiredRule, DesiredTable } from './desired.ts';
import type { Jump, TableScope } from './scope.ts';
import { chainsThere, desiredChains, remember, seenBefore } from './seen-tables.ts';
import type { ChainState, TableState } from './state.ts';

export interface ChainPlan<C extends ChainState = ChainState> {
  readonly name: string;
  readonly builtin: boolean;
  /** Undefined: it is to be made. */
  readonly was: C | undefined;
  /** To be set. */
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  /** The rules as they will be. */
  readonly keys: readonly string[];
  readonly alignment: Alignment;
  /** The rule at a place where one comes anew. */
  rule(place: number): DesiredRule;
}

export interface TablePlan<C extends ChainState = ChainState> extends Counts {
  readonly table: string;
  readonly exists: boolean;
  /** Chains that change, in the order of the text. */
  readonly chains: readonly ChainPlan<C>[];
  /** User chains to be deleted. */
  readonly deleted: readonly C[];
  readonly minimal: boolean;
}

/** The keys of a table's desired rules. */
export interface DesiredKeys {
  /** Of the rules of a chain of the text. */
  chain(table: DesiredTable, chain: DesiredChain): readonly string[];
  rule(spec: RuleSpec): string;
}

export function isEmpty(plan: TablePlan): boolean {
  return plan.chains.length === 0 && plan.deleted.length === 0;
}

export function planTable<C extends ChainState>(scope: TableScope, state: TableState<C>, desired: DesiredKeys): TablePlan<C> {
  const chains: ChainPlan<C>[] = [];
  const deleted: C[] = [];
  let found = 0;
  const { name: table, desired: text } = scope;
  const seen = seenBefore(scope, state);
  let [rules, removed] = [seen?.rules ?? 0, 0];
  for (const chain of desiredChains(text, seen)) {
    if (!scope.covers(chain.name)) continue;
    const { name, builtin } = chain;
    const was = state.chains.get(name);
    if (was !== undefined) found++;
    const keys = desired.chain(text as DesiredTable, chain);
    if (seen === undefined) rules += keys.length;
    // Where the kernel has no builtin chain, its policy is ACCEPT.
    const policy = chain.policy === undefined || chain.policy === (was?.policy ?? 'ACCEPT') ? undefined : chain.policy;
    if (policy === undefined && (was === undefined ? builtin && keys.length === 0 : sameKeys(was.keys, keys))) continue;
    chains.push({
      name,
      builtin,
      was,
      policy,
      keys,
      alignment: align(was?.keys ?? [], keys),
      rule: (place) => chain.rules[place] as DesiredRule,
    });
  }
  // Where the text has them all there is none to look for.
  for (const was of seen === undefined && found === state.chains.size ? [] : chainsThere(text, state, seen)) {
    if (text?.chains.has(was.name) === true || was.anonymous === true || !scope.covers(was.name)) continue;
    if (!was.builtin) {
      deleted.push(was);
      removed += was.keys.length;
    } else if (was.keys.length > 0) chains.push(emptied(was));
  }
  remember(scope, state, { rules, differing: [...chains, ...deleted].map(({ name }) => name) });
  // Rules of the text stay, unless they come.
  let kept = rules;
  for (const [name, jumps] of scope.jumps) {
    const builtin = builtinChain(table, name) !== undefined;
    const was = state.chains.get(name);
    // Somebody else's, outside the scope: a name that is wrong must not be made true.
    if (was === undefined && !builtin)
      throw new NetfilterError(`scope.jumps: ${noChain(table, name)}; nothing was sent`, { code: 'ENOENT', errno: ENOENT });
    const plan = planJumps(name, builtin, was, jumps, desired);
    kept += jumps.length;
    // What others have in it is not of this sync.
    if (plan.alignment.added + plan.alignment.moved + plan.alignment.removed > 0) chains.push(plan);
  }
  let [added, moved, minimal] = [0, 0, true];
  for (const { alignment } of chains) {
    added += alignment.added;
    removed += alignment.removed;
    moved += alignment.moved;
    minimal &&= alignment.minimal;
  }
  kept -= added + moved;
  return { table, exists: state.exists, chains, deleted, added, removed, moved, kept, minimal };
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function emptied<C extends ChainState>(was: C): ChainPlan<C> {
  const rule = (): DesiredRule => {
    throw new RangeError('no rule comes');
  };
  return { name: was.name, builtin: was.builtin, was, policy: undefined, keys: [], alignment: align(was.keys, []), rule };
}

/** The rules of others stay where they are, between the jumps that stand first and those that stand last. */
function planJumps<C extends ChainState>(
  name: string,
  builtin: boolean,
  was: C | undefined,
  jumps: readonly Jump[],
  desired: DesiredKeys,
): ChainPlan<C> {
  const before = was?.keys ?? [];
  const ours = new Set<number>();
  const [firsts, lasts] = (['first', 'last'] as const).map((at) =>
    jumps.filter((jump) => jump.at === at).map(({ spec }) => ({ spec, key: desired.rule(spec) })),
  ) as [Wanted[], Wanted[]];
  // Of several that are alike the one nearest to its place is ours.
  for (const { key } of firsts) take(ours, rising(before), before, key);
  for (const { key } of lasts.toReversed()) take(ours, rising(before).reverse(), before, key);
  const others = rising(before).filter((place) => !ours.has(place));
  const [head, foot] = [others[0] ?? before.length, (others.at(-1) ?? before.length - 1) + 1];
  const keysOf = (list: readonly Wanted[]): string[] => list.map(({ key }) => key);
  const keys = [...keysOf(firsts), ...others.map((place) => before[place] as string), ...keysOf(lasts)];
  const from =
    others.length === 0
      ? align(before, keys).from
      : Int32Array.from([
          ...align(before.slice(0, head), keysOf(firsts)).from,
          ...others,
          ...align(before.slice(foot), keysOf(lasts)).from.map((place) => (place < 0 ? -1 : place + foot)),
        ]);
  const rule = (place: number): DesiredRule => {
    const found = place < firsts.length ? firsts[place] : lasts[place - firsts.length - others.length];
    if (found === undefined) throw new RangeError(`rule ${place} of chain ${name} is not ours`);
    return { spec: found.spec, line: undefined };
  };
  return { name, builtin, was, policy: undefined, keys, alignment: alignmentOf(before, keys, from), rule };
}

interface Wanted {
  readonly spec: RuleSpec;
  readonly key: string;
}

function rising(list: readonly unknown[]): number[] {
  return Array.from(list, (_, place) => place);
}

/** Marks the first of `places` that has the key and is nobody's yet. */
function take(ours: Set<number>, places: readonly number[], keys: readonly string[], key: string): void {
  const found = places.find((place) => keys[place] === key && !ours.has(place));
  if (found !== undefined) ours.add(found);
}
