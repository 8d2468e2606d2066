// Commands on a table that the namespace doesn't have: what they would do in an empty one, in libiptc's order. Nothing is made by asking.
import { E2BIG, EBUSY, EEXIST, EINVAL, ENOENT, errnoName } from '../../errno.ts';
import { builtinChains, builtinStays, noChain } from '../builtin.ts';
import { commandError, NO_SUCH_RULE } from '../command-error.ts';
import { type Command, chainOfTarget, type TableCommands } from '../commands.ts';
import type { RuleContext } from '../context.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { ruleKey } from './find.ts';

interface MadeChain {
  name: string;
  readonly builtin: boolean;
  rules: MadeRule[];
}
interface MadeRule {
  readonly spec: RuleSpec;
  /** Where it jumps or goes: the chain keeps being it under another name. */
  readonly to: MadeChain | undefined;
  /** What it is compared by, once that was asked for. */
  key?: string;
}

/** What the commands come to. */
export interface EmptyOutcome {
  /** The numbers of commands that have nothing to do. */
  readonly idle: readonly number[];
  /** Whether the table has to be made for it. */
  readonly makes: boolean;
}

export class EmptyTable {
  readonly #context: RuleContext;
  readonly #bytes: BytesContext;
  readonly #work: TableCommands;
  readonly #chains = new Map<string, MadeChain>();

  constructor(context: RuleContext, work: TableCommands) {
    this.#context = context;
    this.#bytes = context.bytes();
    this.#work = work;
    for (const { name } of builtinChains(work.table) ?? []) this.#chains.set(name, { name, builtin: true, rules: [] });
  }

  /** Throws what the first command that can't be done would meet. */
  apply(): EmptyOutcome {
    const idle: number[] = [];
    let makes = false;
    for (const [i, c] of this.#work.commands.entries()) {
      if (this.#apply(c, i)) makes ||= MAKING.includes(c.verb);
      else idle.push(i);
    }
    return { idle, makes };
  }

  #apply(c: Command, index: number): boolean {
    const fail = (reason: string, errno: number): never => {
      throw commandError(this.#context.family, this.#work.table, index, c, reason, errnoName(errno), errno);
    };
    if (c.verb === 'newChain' || c.verb === 'declareChain') return this.#make(c, fail);
    if (c.verb === 'deleteUserChains') return this.#deleteUserChains(fail);
    if (c.chain === undefined) {
      // Nothing has counted.
      if (c.verb !== 'flushChain') return false;
      const some = [...this.#chains.values()].some((chain) => chain.rules.length > 0);
      for (const chain of this.#chains.values()) chain.rules = [];
      return some;
    }
    const chain = this.#chains.get(c.chain);
    if (chain === undefined) {
      if (c.verb === 'delete' && c.ifThere === true) return false;
      return fail(noChain(this.#work.table, c.chain), ENOENT);
    }
    const jump = 'rule' in c ? chainOfTarget(c.rule) : undefined;
    const to = jump === undefined ? undefined : this.#chains.get(jump);
    if (jump !== undefined && to === undefined) {
      if (c.verb === 'delete' && c.ifThere === true) return false;
      return fail(`no chain "${jump}"`, ENOENT);
    }
    if (to?.builtin === true) fail(`${to.name} is a builtin chain: no rule can jump there`, EINVAL);
    const { rules } = chain;
    const number = 'number' in c ? (c.number ?? 1) : 1;
    const within = (most: number): void => {
      if (number > most) fail(`no rule number ${number} in chain ${c.chain}`, E2BIG);
    };
    switch (c.verb) {
      case 'append':
      case 'insert': {
        const rule: MadeRule = { spec: c.rule, to };
        if (c.unlessThere === true && this.#find(chain, rule) >= 0) return false;
        if (c.verb === 'append') rules.push(rule);
        else {
          within(rules.length + 1);
          rules.splice(number - 1, 0, rule);
        }
        return true;
      }
      case 'replace':
        within(rules.length);
        rules[number - 1] = { spec: c.rule, to };
        return true;
      case 'delete': {
        const at = this.#find(chain, { spec: c.rule, to });
        if (at >= 0) rules.splice(at, 1);
        else if (c.ifThere !== true) fail(NO_SUCH_RULE, ENOENT);
        return at >= 0;
      }
      case 'check':
        if (this.#find(chain, { spec: c.rule, to }) < 0) fail(NO_SUCH_RULE, ENOENT);
        return false;
      case 'deleteAt':
        within(rules.length);
        rules.splice(number - 1, 1);
        return true;
      case 'flushChain':
        chain.rules = [];
        return true;
      case 'deleteChain':
        if (chain.builtin) fail(builtinStays(this.#work.table, chain.name), EINVAL);
        if (this.#isUsed(chain)) fail(`rules jump to chain ${c.chain}`, EBUSY);
        if (rules.length > 0) fail(`chain ${c.chain} is not empty`, EBUSY);
        this.#chains.delete(c.chain);
        return true;
      case 'renameChain':
        if (this.#chains.has(c.to)) fail(`chain ${c.to} is there already`, EEXIST);
        this.#chains.delete(c.chain);
        chain.name = c.to;
        this.#chains.set(c.to, chain);
        return true;
      case 'zero':
        if (c.number !== undefined) within(rules.length);
        return false;
      case 'setPolicy':
        return true;
      default:
        return c satisfies never;
    }
  }

  #make(c: Extract<Command, { verb: 'newChain' | 'declareChain' }>, fail: (reason: string, errno: number) => never): boolean {
    const chain = this.#chains.get(c.chain);
    if (chain === undefined) {
      this.#chains.set(c.chain, { name: c.chain, builtin: false, rules: [] });
      return true;
    }
    if (c.verb === 'declareChain') {
      // Of a builtin chain it sets the policy.
      if (!chain.builtin) chain.rules = [];
      return true;
    }
    if (c.unlessThere === true) return false;
    return fail(`chain ${c.chain} is there already`, EEXIST);
  }

  #deleteUserChains(fail: (reason: string, errno: number) => never): boolean {
    const user = [...this.#chains.values()].filter((chain) => !chain.builtin);
    for (const chain of user) {
      if (this.#isUsed(chain)) fail(`rules jump to chain ${chain.name}`, EBUSY);
      if (chain.rules.length > 0) fail(`chain ${chain.name} is not empty`, EBUSY);
      this.#chains.delete(chain.name);
    }
    return user.length > 0;
  }

  #isUsed(chain: MadeChain): boolean {
    for (const { rules } of this.#chains.values()) if (rules.some((rule) => rule.to === chain)) return true;
    return false;
  }

  #find(chain: MadeChain, wanted: MadeRule): number {
    return chain.rules.findIndex((rule) => rule.to === wanted.to && this.#keyOf(rule) === this.#keyOf(wanted));
  }
  #keyOf(rule: MadeRule): string {
    rule.key ??= ruleKey(this.#context.xtRule(rule.spec, this.#bytes), this.#bytes);
    return rule.key;
  }
}

/** Verbs that put something into a table. */
const MAKING: readonly Command['verb'][] = ['append', 'insert', 'newChain', 'declareChain', 'setPolicy'];
