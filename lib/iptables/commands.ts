// What can be done to one iptables table, whatever the backend: the commands a transaction collects and a save text holds.
import type { Counter } from '../model/ruleset.ts';
import { builtinChain } from './builtin.ts';
import type { RuleSpec } from './rule-spec.ts';

interface InText {
  /** Where it stands in save text; without it the command is an operation of a program. */
  readonly line?: number;
  /** The [packets:bytes] before the command in save text, which count only where counters are restored. */
  readonly leading?: Counter;
}

export type Command = InText &
  (
    | { readonly verb: 'append'; readonly chain: string; readonly rule: RuleSpec; readonly unlessThere?: boolean }
    | { readonly verb: 'insert'; readonly chain: string; readonly number: number; readonly rule: RuleSpec; readonly unlessThere?: boolean }
    | { readonly verb: 'replace'; readonly chain: string; readonly number: number; readonly rule: RuleSpec }
    | { readonly verb: 'delete'; readonly chain: string; readonly rule: RuleSpec; readonly ifThere?: boolean }
    | { readonly verb: 'deleteAt'; readonly chain: string; readonly number: number }
    /** Such a rule must be there; nothing is done. */
    | { readonly verb: 'check'; readonly chain: string; readonly rule: RuleSpec }
    | { readonly verb: 'newChain'; readonly chain: string; readonly unlessThere?: boolean }
    | { readonly verb: 'deleteChain'; readonly chain: string }
    /** All user chains that there are then: -X without a name. */
    | { readonly verb: 'deleteUserChains'; readonly chain?: undefined }
    | { readonly verb: 'flushChain'; readonly chain: string | undefined }
    | { readonly verb: 'renameChain'; readonly chain: string; readonly to: string }
    | { readonly verb: 'setPolicy'; readonly chain: string; readonly policy: 'ACCEPT' | 'DROP'; readonly counter: Counter | undefined }
    /** Counters to zero: of one rule, of a chain with its rules, or of all chains; only where they are not zero already. */
    | { readonly verb: 'zero'; readonly chain: string | undefined; readonly number?: number }
    /** `:chain` of save text: a user chain is made, or emptied where it is there; of a builtin chain policy and counters are set. */
    | { readonly verb: 'declareChain'; readonly chain: string; readonly policy?: 'ACCEPT' | 'DROP'; readonly counter?: Counter }
  );
export type CommandOf<V extends Command['verb']> = Extract<Command, { readonly verb: V }>;

/** The rules that commands name. */
export function* rulesOfCommands(commands: Iterable<Command>): Generator<RuleSpec> {
  for (const c of commands) if ('rule' in c) yield c.rule;
}

/** The chain that a rule jumps or goes to. */
export function chainOfTarget({ target }: RuleSpec): string | undefined {
  return target === undefined ? undefined : 'jump' in target ? target.jump : 'goto' in target ? target.goto : undefined;
}

/** The commands of one table. */
export interface TableCommands {
  readonly table: string;
  readonly commands: readonly Command[];
  /** The table begins empty, whatever it holds. */
  readonly fresh: boolean;
}

/** Whether the rules of the chain must be known to say what the command means. */
export function looksAtRules(c: Command): boolean {
  switch (c.verb) {
    case 'replace':
    case 'delete':
    case 'check':
    case 'deleteAt':
    case 'zero':
      return true;
    case 'append':
      return c.unlessThere === true;
    case 'insert':
      return c.unlessThere === true || c.number > 1;
    default:
      return false;
  }
}

/** Why a command cannot be of its chain, whatever the table holds; or undefined. */
export function misplaced(table: string, c: Command): string | undefined {
  if (c.verb === 'setPolicy' && builtinChain(table, c.chain) === undefined)
    return `${c.chain} is no builtin chain of table ${table}: only those have a policy`;
  if (c.verb === 'renameChain' && builtinChain(table, c.chain) !== undefined)
    return `${c.chain} is a builtin chain, and those keep their names`;
  return table === 'nat' && drops(c) ? NO_DROP_IN_NAT : undefined;
}

export const NO_DROP_IN_NAT = 'The "nat" table is not intended for filtering, the use of DROP is therefore inhibited';

/** As iptables' commands; `:chain DROP` of save text is taken by the real programs, and a program may delete what nft has put there. */
function drops(c: Command): boolean {
  if (c.verb === 'setPolicy') return c.policy === 'DROP';
  if (!('rule' in c) || (c.verb === 'delete' && c.line === undefined)) return false;
  const { target } = c.rule;
  return target !== undefined && 'name' in target && target.name === 'DROP';
}
