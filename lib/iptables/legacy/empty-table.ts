// Commands on a table that the namespace doesn't have, and that nothing asks to be made: what they would do in an empty one.
import { builtinChains } from '../builtin.ts';
import { commandError } from '../command-error.ts';
import type { Command, TableCommands } from '../commands.ts';
import type { IpFamily, RuleSpec } from '../rule-spec.ts';
import { printRule } from '../rule-text.ts';

const ENOENT = 2;
const E2BIG = 7;
const EBUSY = 16;
const EEXIST = 17;

export class EmptyTable {
  readonly #family: IpFamily;
  readonly #work: TableCommands;
  /** The rules of each chain as text. */
  readonly #chains = new Map<string, string[]>();
  readonly #builtin: ReadonlySet<string>;

  constructor(family: IpFamily, work: TableCommands) {
    this.#family = family;
    this.#work = work;
    this.#builtin = new Set((builtinChains(work.table) ?? []).map((c) => c.name));
    for (const name of this.#builtin) this.#chains.set(name, []);
  }

  /** How many commands have something to do. Throws what the first that can't be done would meet. */
  apply(): number {
    return this.#work.commands.reduce((sum, c, i) => sum + (this.#apply(c, i) ? 1 : 0), 0);
  }

  #apply(c: Command, index: number): boolean {
    const fail = (reason: string, code: string, errno: number): never => {
      throw commandError(this.#family, this.#work.table, index, c, reason, code, errno);
    };
    if (c.verb === 'newChain' || c.verb === 'declareChain') {
      if (!this.#chains.has(c.chain)) this.#chains.set(c.chain, []);
      else if (c.verb === 'newChain' && c.unlessThere !== true) fail(`chain ${c.chain} is there already`, 'EEXIST', EEXIST);
      else if (c.verb === 'newChain') return false;
      else this.#chains.set(c.chain, []);
      return true;
    }
    if (c.chain === undefined) {
      if (c.verb === 'flushChain') for (const rules of this.#chains.values()) rules.length = 0;
      // Nothing has counted.
      return c.verb !== 'zero';
    }
    const rules = this.#chains.get(c.chain);
    if (rules === undefined) {
      if (c.verb === 'delete' && c.ifThere === true) return false;
      return fail(`no chain ${c.chain} in table ${this.#work.table}`, 'ENOENT', ENOENT);
    }
    const jump = 'rule' in c ? jumpOf(c.rule) : undefined;
    if (jump !== undefined && !this.#chains.has(jump)) {
      if (c.verb === 'delete' && c.ifThere === true) return false;
      fail(`no chain "${jump}"`, 'ENOENT', ENOENT);
    }
    const number = 'number' in c ? (c.number ?? 1) : 1;
    const named = c.verb === 'replace' || c.verb === 'deleteAt' || (c.verb === 'zero' && c.number !== undefined);
    const most = c.verb === 'insert' ? rules.length + 1 : named ? rules.length : number;
    if (number > most) fail(`no rule number ${number} in chain ${c.chain}`, 'E2BIG', E2BIG);
    switch (c.verb) {
      case 'append':
      case 'insert': {
        const text = printRule(c.rule, this.#family);
        if (c.unlessThere === true && rules.includes(text)) return false;
        rules.splice(c.verb === 'append' ? rules.length : number - 1, 0, text);
        return true;
      }
      case 'replace':
        rules[number - 1] = printRule(c.rule, this.#family);
        return true;
      case 'delete': {
        const at = rules.indexOf(printRule(c.rule, this.#family));
        if (at >= 0) rules.splice(at, 1);
        else if (c.ifThere !== true) fail('no such rule in that chain', 'ENOENT', ENOENT);
        return at >= 0;
      }
      case 'deleteAt':
        rules.splice(number - 1, 1);
        return true;
      case 'flushChain':
        rules.length = 0;
        return true;
      case 'deleteChain':
        if (rules.length > 0) fail(`chain ${c.chain} is not empty`, 'EBUSY', EBUSY);
        this.#chains.delete(c.chain);
        return true;
      case 'renameChain':
        if (this.#chains.has(c.to)) fail(`chain ${c.to} is there already`, 'EEXIST', EEXIST);
        this.#chains.delete(c.chain);
        this.#chains.set(c.to, rules);
        return true;
      case 'zero':
        return false;
      default:
        return true;
    }
  }
}

function jumpOf({ target }: RuleSpec): string | undefined {
  return target === undefined ? undefined : 'jump' in target ? target.jump : 'goto' in target ? target.goto : undefined;
}
