// What save text asks for, as chains with rules. The text is carried out on nothing: commands that make chains and rules have a meaning there, those
// that look for what a kernel holds have none.
import { RuleSyntaxError } from '../../errors.ts';
import { builtinChain } from '../builtin.ts';
import type { Command } from '../commands.ts';
import { type CompiledRuleset, compile, tablesOf } from '../compile.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { withoutCounter } from '../rule-input.ts';
import type { RuleSpec } from '../rule-spec.ts';

export type Desired = string | CompiledRuleset;

export interface DesiredRule {
  readonly spec: RuleSpec;
  readonly line: number | undefined;
}
export interface DesiredChain {
  readonly name: string;
  readonly builtin: boolean;
  /** Of a builtin chain, where the text says it. */
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly rules: readonly DesiredRule[];
  /** Of the rules, by backend: the same rule may be kept in other words. Made when they are asked for. */
  readonly keys: { nft?: readonly string[]; legacy?: readonly string[] };
}
export interface DesiredTable {
  readonly name: string;
  readonly line: number;
  readonly chains: ReadonlyMap<string, DesiredChain>;
  /** User chains that the text names and deletes again, as kube-proxy does. */
  readonly unwanted: ReadonlySet<string>;
}

export interface DesiredState {
  readonly tables: readonly DesiredTable[];
  /** Whoever holds this keeps what the next text has in common with it. */
  readonly compiled: CompiledRuleset;
}

const known = new WeakMap<CompiledRuleset, DesiredState>();

/** Throws RuleSyntaxError for a text that is none, or that says what no state is. */
export function desiredState(input: Desired, family: IpFamily): DesiredState {
  const compiled = typeof input === 'string' ? compile(input, family) : input;
  const saved = tablesOf(compiled, family);
  const before = known.get(compiled);
  if (before !== undefined) return before;
  const drafts = new Map<string, Draft>();
  for (const { name, line, commands } of saved) {
    let draft = drafts.get(name);
    if (draft === undefined) drafts.set(name, (draft = new Draft(name, line)));
    for (const c of commands) draft.apply(c);
  }
  const tables = { tables: [...drafts.values()], compiled };
  known.set(compiled, tables);
  return tables;
}

interface ChainDraft {
  readonly name: string;
  readonly builtin: boolean;
  policy?: 'ACCEPT' | 'DROP';
  rules: DesiredRule[];
  readonly keys: DesiredChain['keys'];
}

class Draft implements DesiredTable {
  readonly name: string;
  readonly line: number;
  readonly chains = new Map<string, ChainDraft>();
  readonly unwanted = new Set<string>();

  constructor(name: string, line: number) {
    this.name = name;
    this.line = line;
  }

  apply(c: Command): void {
    switch (c.verb) {
      case 'declareChain': {
        const chain = this.#chain(c.chain);
        if (c.policy !== undefined) chain.policy = c.policy;
        if (!chain.builtin) chain.rules = [];
        return;
      }
      case 'newChain':
        return void this.#chain(c.chain);
      // Rules keep what they have counted, and begin at nothing where they come anew.
      case 'append':
        return void this.#chain(c.chain).rules.push({ spec: withoutCounter(c.rule), line: c.line });
      case 'insert': {
        const { rules } = this.#chain(c.chain);
        if (c.number > rules.length + 1) throw meaningless(c, `the text has no rule ${c.number - 1} before it`);
        return void rules.splice(c.number - 1, 0, { spec: withoutCounter(c.rule), line: c.line });
      }
      case 'setPolicy':
        this.#chain(c.chain).policy = c.policy;
        return;
      case 'flushChain':
        if (c.chain === undefined) for (const chain of this.chains.values()) chain.rules = [];
        else this.#chain(c.chain).rules = [];
        return;
      case 'deleteChain':
        if (this.#chain(c.chain).builtin) throw meaningless(c, 'builtin chains are not deleted');
        this.chains.delete(c.chain);
        this.unwanted.add(c.chain);
        return;
      default:
        throw meaningless(c, 'it looks for what a kernel holds');
    }
  }

  #chain(name: string): ChainDraft {
    this.unwanted.delete(name);
    let chain = this.chains.get(name);
    if (chain === undefined) {
      chain = { name, builtin: builtinChain(this.name, name) !== undefined, rules: [], keys: {} };
      this.chains.set(name, chain);
    }
    return chain;
  }
}

function meaningless(c: Command, why: string): RuleSyntaxError {
  const what = `${c.verb} of ${c.chain ?? 'all chains'} has no place in a desired state: ${why}`;
  return new RuleSyntaxError(what, { word: c.chain ?? '', wordIndex: 0, column: 1, ...(c.line === undefined ? {} : { line: c.line }) });
}
