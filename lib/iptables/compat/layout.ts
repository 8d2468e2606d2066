// The commands on one table as operations of a batch. Rule numbers and texts are resolved against the chain as it will be
// when the command's turn comes.
import { NOTHING } from '../../counters/arithmetic.ts';
import type { LedgerEntry } from '../../counters/ledger.ts';
import { E2BIG, EEXIST, EINVAL, ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { Counter } from '../../model/ruleset.ts';
import type { Batch, Named } from '../../nftables/batch.ts';
import { builtinChain, builtinStays, noChain } from '../builtin.ts';
import { commandError, NO_SUCH_RULE, operationOf } from '../command-error.ts';
import { type Command, type CommandOf, looksAtRules, misplaced, type TableCommands } from '../commands.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { XtRule } from '../xt-rule.ts';
import { IptablesBatch, type RuleName } from './batch.ts';
import { ChainState, type Entry } from './chain-state.ts';
import type { CompatContext } from './context.ts';
import { ruleExpressions } from './encode.ts';
import { makesBuiltin, type TableView } from './look.ts';

export interface LayoutOptions {
  /** Whether the [packets:bytes] before commands of save text count. */
  readonly counters: boolean;
  /** The number of the table's first command among all. */
  readonly first: number;
  /** Takes the message that carries a command's rule; absent where no handles are wanted. */
  readonly messages?: Map<number, number>;
}

type Adding = { readonly chain: string; readonly rule: RuleSpec };

export class Layout {
  readonly #out: IptablesBatch;
  readonly #context: CompatContext;
  readonly #bytes: BytesContext;
  readonly #view: TableView;
  readonly #work: TableCommands;
  readonly #o: LayoutOptions;
  /** Whether any command names rules of its chain. */
  readonly #looks: boolean;
  /** Chains whose rules must be known, by their names in the kernel. */
  readonly #states = new Map<string, ChainState>();
  /** Builtin chains to be made when they are first needed. */
  readonly #unmade = new Set<string>();
  /** Until the commit the kernel calls a renamed chain by its old name. */
  readonly #kernelNames = new Map<string, string>();
  readonly #renamedAway = new Set<string>();
  /** Chains made in this batch and renamed in it are made under their last name: before the commit they have no handle to rename by. */
  readonly #lastNames: ReadonlyMap<number, string>;
  /** Chains made in this batch, by the names they were made under. */
  readonly #made = new Set<string>();
  /** The user chains there are by now, where they are all to be deleted. */
  readonly #users: Set<string>;
  /** Of those made under their last name, the ones that are made already. */
  readonly #madeLast = new Set<string>();
  /** The numbers of commands that have nothing to do. */
  readonly idle: number[] = [];
  /** Whether a rule is deleted: the commit then makes a generation, which the kernel does not tell where the deletion comes first. */
  deletes = false;
  /** What rules that keep their handles had counted when they were looked at. */
  readonly zeroed: LedgerEntry[] = [];

  constructor(context: CompatContext, batch: Batch, bytes: BytesContext, work: TableCommands, view: TableView, o: LayoutOptions) {
    this.#context = context;
    this.#bytes = bytes;
    this.#out = new IptablesBatch(context.family, work.table, batch);
    this.#work = work;
    this.#view = view;
    this.#o = o;
    this.#lastNames = lastNames(work);
    this.#users = new Set(view.users);
    for (const [chain, dump] of view.dumps) this.#states.set(chain, new ChainState(bytes, dump));
    this.#looks = work.commands.some(looksAtRules);
  }

  /** `addTable`: the kernel has none. */
  run(addTable: boolean): void {
    const { fresh, commands, table } = this.#work;
    if (this.#view.nowhere) {
      for (const i of commands.keys()) this.idle.push(this.#o.first + i);
      return;
    }
    if (addTable || fresh || this.#view.missing.size > 0) this.#out.addTable(this.#o.first);
    if (fresh) {
      // Deleting needs a table to be there: it is after the line above, and then begins anew.
      this.#out.deleteTable(this.#o.first);
      this.#out.addTable(this.#o.first);
      for (const c of commands) if (c.chain !== undefined && makesBuiltin(table, c)) this.#unmade.add(c.chain);
    } else for (const chain of this.#view.missing) this.#unmade.add(chain);
    for (const [i, command] of commands.entries()) this.#command(this.#o.first + i, command);
  }

  #command(index: number, c: Command): void {
    if (c.chain !== undefined && this.#renamedAway.has(c.chain) && c.verb !== 'newChain' && c.verb !== 'declareChain')
      throw this.#error(index, c, `chain ${c.chain} was renamed before`, 'ENOENT', ENOENT);
    const reason = misplaced(this.#out.table, c);
    if (reason !== undefined) throw this.#error(index, c, reason, 'ERR_INVALID_ARG', 0);
    switch (c.verb) {
      case 'append':
        return this.#append(index, c);
      case 'insert':
        return this.#insert(index, c);
      case 'replace':
        return this.#replace(index, c);
      case 'delete':
        return this.#delete(index, c);
      case 'check':
        return this.#check(index, c);
      case 'deleteAt':
        return this.#deleteRule(index, c, this.#number(index, c));
      case 'newChain':
        return this.#newChain(index, c);
      case 'deleteChain':
        if (builtinChain(this.#out.table, c.chain) !== undefined)
          throw this.#error(index, c, builtinStays(this.#out.table, c.chain), 'EINVAL', EINVAL);
        return this.#deleteChain(index, c.chain);
      case 'deleteUserChains':
        if (this.#users.size === 0) this.idle.push(index);
        for (const chain of [...this.#users]) this.#deleteChain(index, chain);
        return;
      case 'flushChain':
        return this.#flush(index, c);
      case 'renameChain':
        return this.#rename(index, c);
      case 'setPolicy':
        return this.#policy(index, c, c.policy, (this.#o.counters ? c.leading : undefined) ?? c.counter);
      case 'zero':
        return this.#zero(index, c);
      case 'declareChain':
        return this.#declare(index, c);
      default:
        c satisfies never;
    }
  }

  // ---- chains

  #newChain(index: number, c: CommandOf<'newChain'>): void {
    const { chain } = c;
    if (c.unlessThere === true && this.#view.there.has(chain)) {
      this.idle.push(index);
      return;
    }
    if (builtinChain(this.#out.table, chain) !== undefined)
      throw this.#error(index, c, `${chain} is a builtin chain, there is no other of its name`, 'EEXIST', EEXIST);
    this.#mustBeFree(index, c, chain);
    this.#out.addChain(chain, true, index);
    this.#madeNow(chain);
    const last = this.#lastNames.get(index - this.#o.first);
    if (last === undefined) return;
    // The line above has asked whether the first name is free.
    this.#out.deleteChain(chain, index);
    this.#out.addChain(last, true, index);
    this.#madeLast.add(last);
    this.#kernelNames.set(chain, last);
  }

  #declare(index: number, c: CommandOf<'declareChain'>): void {
    if (builtinChain(this.#out.table, c.chain) !== undefined) {
      // As with the real program, counters that are not restored are zero, and `-` leaves the policy.
      return this.#policy(index, c, c.policy, this.#o.counters && c.counter !== undefined ? c.counter : NOTHING);
    }
    // There by a name that the kernel does not know yet.
    if (this.#kernelNames.has(c.chain)) return this.#empty(index, c.chain);
    this.#mustBeFree(index, c, c.chain);
    const chain = this.#lastNames.get(index - this.#o.first) ?? c.chain;
    if (chain !== c.chain) {
      this.#madeLast.add(chain);
      this.#kernelNames.set(c.chain, chain);
    }
    this.#out.addChain(chain, false, index);
    const begins = this.#work.fresh && !this.#made.has(c.chain);
    this.#madeNow(c.chain);
    if (!begins) this.#empty(index, c.chain);
  }

  #madeNow(chain: string): void {
    this.#made.add(chain);
    this.#users.add(chain);
    this.#renamedAway.delete(chain);
  }

  /** Throws where a rename of this batch, which the kernel carries out with the commit, has given a chain the name, or keeps it taken. */
  #mustBeFree(index: number, c: Command, chain: string): void {
    if (this.#kernelNames.has(chain)) throw this.#error(index, c, `chain ${chain} is there already`, 'EEXIST', EEXIST);
    if (!this.#renamedAway.has(chain) || ![...this.#kernelNames.values()].includes(chain)) return;
    const reason = `the chain that was ${chain} is renamed in the same transaction, and nf_tables keeps its name until the commit`;
    throw this.#error(index, c, reason, 'EEXIST', EEXIST);
  }

  #policy(
    index: number,
    c: Command & { readonly chain: string },
    policy: 'ACCEPT' | 'DROP' | undefined,
    counter: Counter | undefined,
  ): void {
    const builtin = builtinChain(this.#out.table, c.chain);
    if (builtin === undefined) return;
    const settings = { ...(policy === undefined ? {} : { policy }), ...(counter === undefined ? {} : { counter }) };
    if (this.#unmade.delete(c.chain)) this.#out.addBuiltin(builtin, settings, index);
    else this.#out.changeBuiltin(builtin, settings, index);
  }

  #deleteChain(index: number, chain: string): void {
    this.#state(chain)?.entries.splice(0);
    this.#users.delete(chain);
    this.#out.deleteChain(this.#kernelName(chain), index);
    this.#kernelNames.delete(chain);
  }

  #flush(index: number, c: CommandOf<'flushChain'>): void {
    if (c.chain === undefined) {
      for (const state of this.#states.values()) state.entries.length = 0;
      // As by the real program, of chains too that iptables does not see.
      return this.#out.flushTable(index);
    }
    this.#makeBuiltin(index, c.chain);
    this.#empty(index, c.chain);
  }

  #empty(index: number, chain: string): void {
    this.#state(chain)?.entries.splice(0);
    this.#out.flushChain(this.#kernelName(chain), index);
  }

  #rename(index: number, c: CommandOf<'renameChain'>): void {
    if (builtinChain(this.#out.table, c.to) !== undefined)
      throw this.#error(index, c, `${c.to} is a builtin chain, there is no other of its name`, 'EEXIST', EEXIST);
    const kernel = this.#kernelName(c.chain);
    // Of a chain made in this batch the name it has last may have been one before.
    if (kernel !== c.to || !this.#madeLast.has(kernel) || this.#kernelNames.has(c.to)) this.#mustBeFree(index, c, c.to);
    // Made under this name already, or under the one it will have last.
    if (!this.#madeLast.has(kernel)) this.#out.renameChain(kernel, c.to, index);
    this.#kernelNames.delete(c.chain);
    this.#kernelNames.set(c.to, kernel);
    this.#renamedAway.add(c.chain);
    if (this.#users.delete(c.chain)) this.#users.add(c.to);
    this.#renamedAway.delete(c.to);
  }

  #kernelName(chain: string): string {
    return this.#kernelNames.get(chain) ?? chain;
  }

  #state(chain: string): ChainState | undefined {
    if (!this.#looks) return undefined;
    const name = this.#kernelName(chain);
    let state = this.#states.get(name);
    // A chain that was not looked at and may be named later is one of this batch: it begins empty.
    if (state === undefined && (this.#work.fresh || this.#madeLast.has(name)))
      this.#states.set(name, (state = new ChainState(this.#bytes)));
    return state;
  }

  #makeBuiltin(index: number, chain: string): void {
    if (!this.#unmade.delete(chain)) return;
    const builtin = builtinChain(this.#out.table, chain);
    if (builtin !== undefined) this.#out.addBuiltin(builtin, {}, index);
  }

  // ---- rules

  #append(index: number, c: CommandOf<'append'>): void {
    const rule = this.#xtRule(index, c);
    const state = this.#state(c.chain);
    if (c.unlessThere === true && this.#isThere(index, state, rule)) return;
    this.#add(index, c, rule, state?.entries.length ?? 0, 'last');
  }

  #insert(index: number, c: CommandOf<'insert'>): void {
    const rule = this.#xtRule(index, c);
    const state = this.#state(c.chain);
    if (c.unlessThere === true && this.#isThere(index, state, rule)) return;
    if (c.number === 1) return this.#add(index, c, rule, 0, 'first');
    const before = state?.entries[c.number - 2];
    if (before === undefined) throw this.#tooBig(index, c, `rule number ${c.number} is too big`);
    this.#add(index, c, rule, c.number - 1, { after: nameOf(before) });
  }

  #isThere(index: number, state: ChainState | undefined, rule: XtRule): boolean {
    const there = state !== undefined && state.find(rule) >= 0;
    if (there) this.idle.push(index);
    return there;
  }

  #add(index: number, c: Command & Adding, rule: XtRule, at: number, place: 'first' | 'last' | { readonly after: RuleName }): void {
    this.#makeBuiltin(index, c.chain);
    const expressions = ruleExpressions(rule);
    const state = this.#state(c.chain);
    // Only rules that a later command may name need an id.
    const id = state === undefined ? undefined : this.#out.batch.newRuleId();
    const message = this.#out.addRule(this.#kernelName(c.chain), expressions, place, this.#named(index, c), { id });
    this.#o.messages?.set(index, message);
    if (state !== undefined && id !== undefined) state.entries.splice(at, 0, { id, expressions });
  }

  #replace(index: number, c: CommandOf<'replace'>): void {
    const at = this.#number(index, c);
    const state = this.#state(c.chain) as ChainState;
    const old = state.entries[at] as Entry;
    const rule = this.#xtRule(index, c);
    if ('id' in old) {
      // The kernel replaces by handle only; a rule of this batch has none yet.
      this.#add(index, c, rule, at + 1, { after: nameOf(old) });
      return this.#deleteRule(index, c, at);
    }
    const expressions = ruleExpressions(rule);
    const id = this.#out.batch.newRuleId();
    const chain = this.#kernelName(c.chain);
    const message = this.#out.addRule(chain, expressions, { replace: old.handle }, this.#named(index, c), { id });
    this.#o.messages?.set(index, message);
    state.entries[at] = { id, expressions };
  }

  #delete(index: number, c: CommandOf<'delete'>): void {
    const at = this.#state(c.chain)?.find(this.#xtRule(index, c)) ?? -1;
    if (at >= 0) return this.#deleteRule(index, c, at);
    if (c.ifThere !== true) throw this.#error(index, c, NO_SUCH_RULE, 'ENOENT', ENOENT);
    this.idle.push(index);
  }

  #check(index: number, c: CommandOf<'check'>): void {
    if ((this.#state(c.chain)?.find(this.#xtRule(index, c)) ?? -1) < 0) throw this.#error(index, c, NO_SUCH_RULE, 'ENOENT', ENOENT);
    this.idle.push(index);
  }

  #deleteRule(index: number, c: Command & { readonly chain: string }, at: number): void {
    const [entry] = this.#state(c.chain)?.entries.splice(at, 1) ?? [];
    if (entry === undefined) return;
    this.deletes = true;
    this.#out.deleteRule(this.#kernelName(c.chain), nameOf(entry), this.#named(index, c));
  }

  // ---- counters

  /** As iptables-nft -Z: rules are replaced by themselves, and only where they have counted. */
  #zero(index: number, c: CommandOf<'zero'>): void {
    const { chain, number } = c;
    let some = false;
    if (chain === undefined) for (const kernel of this.#states.keys()) some = this.#zeroChain(index, c, kernel) || some;
    else {
      const kernel = this.#kernelName(chain);
      const builtin = builtinChain(this.#out.table, chain) !== undefined;
      if (!builtin && !this.#view.counted.has(kernel) && !this.#isMade(index, chain))
        throw this.#error(index, c, noChain(this.#out.table, chain), 'ENOENT', ENOENT);
      some =
        number === undefined
          ? this.#zeroChain(index, c, kernel)
          : this.#zeroRule(index, c, kernel, this.#number(index, { ...c, chain, number }));
    }
    if (!some) this.idle.push(index);
  }

  #isMade(index: number, chain: string): boolean {
    const before = this.#work.commands.slice(0, index - this.#o.first);
    return before.some(
      (c) => ((c.verb === 'newChain' || c.verb === 'declareChain') && c.chain === chain) || (c.verb === 'renameChain' && c.to === chain),
    );
  }

  /** Whether there was something to do. */
  #zeroChain(index: number, c: Command, kernel: string): boolean {
    const builtin = builtinChain(this.#out.table, kernel);
    const counters = this.#view.counted.get(kernel);
    let some = builtin !== undefined && counters !== undefined && hasCounted(counters);
    if (some && builtin !== undefined) this.#out.changeBuiltin(builtin, { counter: NOTHING }, index);
    for (let at = 0; at < (this.#states.get(kernel)?.entries.length ?? 0); at++) some = this.#zeroRule(index, c, kernel, at) || some;
    return some;
  }

  #zeroRule(index: number, c: Command, kernel: string, at: number): boolean {
    const state = this.#states.get(kernel) as ChainState;
    const old = state.entries[at] as Entry;
    const { expressions: counted, userdata } = state.content(old);
    if (!counted.some((e) => e.type === 'counter' && hasCounted({ packets: e['packets'], bytes: e['bytes'] }))) return false;
    const expressions = counted.map((e) => (e.type === 'counter' ? { ...e, ...NOTHING } : e));
    const id = this.#out.batch.newRuleId();
    const named = this.#named(index, c);
    // The kernel replaces by handle only; a rule of this batch has none yet.
    const place = 'id' in old ? { after: nameOf(old) } : { replace: old.handle };
    this.#out.addRule(kernel, expressions, place, named, { id, userdata });
    if ('id' in old) this.#out.deleteRule(kernel, nameOf(old), named);
    else {
      const { packets, bytes } = counted.find((e) => e.type === 'counter') as unknown as Counter;
      const place = { family: this.#context.family, table: this.#out.table, chain: kernel };
      this.zeroed.push({ kind: 'reset', place, handle: old.handle, counter: { packets, bytes } });
    }
    state.entries[at] = { id, expressions };
    return true;
  }

  #number(index: number, c: Command & { readonly chain: string; readonly number: number }): number {
    const length = this.#state(c.chain)?.entries.length ?? 0;
    if (c.number > length) throw this.#tooBig(index, c, `no rule number ${c.number}, the chain has ${length}`);
    return c.number - 1;
  }

  #tooBig(index: number, c: Command & { readonly chain: string }, reason: string): NetfilterError {
    if (!this.#view.absent.has(this.#kernelName(c.chain)) || this.#made.has(c.chain)) return this.#error(index, c, reason, 'E2BIG', E2BIG);
    return this.#error(index, c, noChain(this.#out.table, c.chain), 'ENOENT', ENOENT);
  }

  #xtRule(index: number, c: Command & { readonly rule: RuleSpec }): XtRule {
    let rule: XtRule;
    try {
      rule = this.#context.xtRule(c.rule, this.#bytes);
    } catch (err) {
      // An ipset that isn't there, or what no revision can say.
      if (err instanceof NetfilterError) throw this.#error(index, c, err.message, err.code, -err.errno, err);
      throw err;
    }
    if (c.leading !== undefined && this.#o.counters) rule = { ...rule, counter: c.leading };
    const { target } = rule;
    if (target === undefined || !('chain' in target)) return rule;
    if (this.#renamedAway.has(target.chain)) throw this.#error(index, c, `chain ${target.chain} was renamed before`, 'ENOENT', ENOENT);
    const chain = this.#kernelName(target.chain);
    return chain === target.chain ? rule : { ...rule, target: { ...target, chain } };
  }

  // ---- errors

  #named(index: number, c: Command): Named {
    const { verb, object } = operationOf(this.#context.family, this.#out.table, index, c);
    return { verb, object: object as Named['object'], index };
  }

  #error(index: number, c: Command, reason: string, code: string, errno: number, cause?: unknown): NetfilterError {
    return commandError(this.#context.family, this.#out.table, index, c, reason, code, errno, cause);
  }
}

function hasCounted(c: { readonly packets?: unknown; readonly bytes?: unknown }): boolean {
  return c.packets !== 0n || c.bytes !== 0n;
}

/** For each command that makes a chain which a later one renames, by its place: the name it has in the end. */
function lastNames({ commands, fresh }: TableCommands): Map<number, string> {
  const out = new Map<number, string>();
  if (!commands.some((c) => c.verb === 'renameChain')) return out;
  const made = new Map<string, number>();
  for (const [i, c] of commands.entries()) {
    if (c.verb === 'newChain' || (fresh && c.verb === 'declareChain')) made.set(c.chain, i);
    else if (c.verb === 'deleteChain') made.delete(c.chain);
    else if (c.verb === 'deleteUserChains') made.clear();
    else if (c.verb === 'renameChain') {
      const at = made.get(c.chain);
      if (at === undefined) continue;
      made.delete(c.chain);
      made.set(c.to, at);
      out.set(at, c.to);
    }
  }
  return out;
}

function nameOf(entry: Entry): RuleName {
  return 'id' in entry ? { id: entry.id } : { handle: entry.handle };
}
