// What a sync may touch: tables, chains in them, and the jumps it was asked to keep in chains of others.
import { NetfilterError } from '../../errors.ts';
import { builtinChain } from '../builtin.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { checkChain, checkTable, oneRule, withoutCounter } from '../rule-input.ts';
import type { RuleInput, RuleSpec } from '../rule-spec.ts';
import type { DesiredTable } from './desired.ts';

/**
 * Default: the tables and user chains that the desired text names. With `tables` alone, these tables whole, builtin chains and their policies too.
 * With `chains`, the chains of that name or pattern, in `tables` or the tables that the text names; builtin ones where they match.
 */
export interface Scope {
  readonly tables?: readonly string[];
  /** A pattern is matched anywhere in the name, as JavaScript does: `/^KUBE-/` begins with it. */
  readonly chains?: RegExp | readonly string[];
  /** Rules that must stand first or last in chains outside the scope; several of a chain in the order given. What else is in them stays. */
  readonly jumps?: readonly JumpInput[];
}
export interface JumpInput {
  readonly table: string;
  readonly chain: string;
  readonly rule: RuleInput;
  readonly at: 'first' | 'last';
}

export interface Jump {
  readonly spec: RuleSpec;
  readonly at: 'first' | 'last';
}
export interface TableScope {
  readonly name: string;
  readonly desired: DesiredTable | undefined;
  covers(chain: string): boolean;
  /** Two scopes that say the same cover the same chains, of the same desired table. */
  readonly extent: string;
  /** By chain. */
  readonly jumps: ReadonlyMap<string, readonly Jump[]>;
}

/** Throws ERR_INVALID_ARG for a scope that is none, and for rules of the text that lie outside: they would be passed over in silence. */
export function resolveScope(scope: Scope, desired: readonly DesiredTable[], family: IpFamily): readonly TableScope[] {
  if (typeof scope !== 'object' || scope === null) throw invalid('a scope is an object');
  const { tables, chains } = scope;
  if (tables !== undefined && !Array.isArray(tables)) throw invalid('scope.tables is a list of tables');
  for (const name of tables ?? []) checkTable(name);
  const wanted = new Set(tables ?? desired.map((t) => t.name));
  const matches = chainPattern(chains);
  const pattern = chains instanceof RegExp ? String(chains) : (chains ?? tables !== undefined);
  const jumps = readJumps(scope.jumps ?? [], family);
  const byName = new Map(desired.map((t) => [t.name, t]));
  const names = new Set([...wanted, ...byName.keys(), ...jumps.keys()]);
  return [...names].map((name) => {
    const text = byName.get(name);
    const inScope = wanted.has(name);
    const named = (chain: string): boolean =>
      builtinChain(name, chain) === undefined && (text?.chains.has(chain) === true || text?.unwanted.has(chain) === true);
    const covers = !inScope ? (): boolean => false : (matches ?? (tables === undefined ? named : (): boolean => true));
    const extent = inScope ? JSON.stringify(pattern) : '';
    const table: TableScope = { name, desired: text, covers, extent, jumps: jumps.get(name) ?? new Map() };
    checkCovered(table);
    return table;
  });
}

function chainPattern(chains: Scope['chains']): ((chain: string) => boolean) | undefined {
  if (chains === undefined) return undefined;
  if (chains instanceof RegExp) {
    // A sticky or global pattern would go on where it stopped.
    const pattern = new RegExp(chains.source, chains.flags.replace(/[gy]/g, ''));
    return (chain) => pattern.test(chain);
  }
  if (!Array.isArray(chains)) throw invalid('scope.chains is a pattern or a list of names');
  for (const chain of chains) checkChain(chain);
  const names = new Set(chains);
  return (chain) => names.has(chain);
}

function readJumps(inputs: readonly JumpInput[], family: IpFamily): Map<string, Map<string, Jump[]>> {
  if (!Array.isArray(inputs)) throw invalid('scope.jumps is a list');
  const out = new Map<string, Map<string, Jump[]>>();
  for (const { table, chain, rule, at } of inputs) {
    checkTable(table);
    checkChain(chain);
    if (at !== 'first' && at !== 'last') throw invalid(`scope.jumps: at ${JSON.stringify(at)}: 'first' or 'last'`);
    const chains = out.get(table) ?? new Map<string, Jump[]>();
    chains.set(chain, [...(chains.get(chain) ?? []), { spec: withoutCounter(oneRule(rule, family, chain)), at }]);
    out.set(table, chains);
  }
  return out;
}

function checkCovered({ name, desired, covers, jumps }: TableScope): void {
  for (const chain of jumps.keys())
    if (covers(chain))
      throw invalid(`chain ${chain} of table ${name} is in the scope: its rules are those of the text, not of scope.jumps`);
  for (const chain of desired?.chains.values() ?? []) {
    if (covers(chain.name)) continue;
    const [rule] = chain.rules;
    // Every save text declares the builtin chains, with the policies they happened to have.
    if (rule === undefined && chain.builtin && chain.asked === undefined) continue;
    const at = rule?.line ?? chain.asked?.line;
    const line = at === undefined ? '' : `line ${at}: `;
    const hint = chain.builtin
      ? 'name it in scope.chains, or its whole table in scope.tables; for one rule that leads into your chains there is scope.jumps'
      : 'scope.chains or scope.tables leaves it out';
    throw invalid(`${line}chain ${chain.name} of table ${name} is outside the scope: ${hint}`);
  }
}

function invalid(reason: string): NetfilterError {
  return new NetfilterError(`${reason}; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}
