// Tables, chains and the order of their rules, kept up to date from commits. Pure: begins with a snapshot, sees only events.
//
// The kernel announces a rule with its predecessor as the list is when the announcement is written: all rules of the commit
// are in it already, and those are still in it whose deletion is announced later (nf_tables_rule_notify() in
// nf_tables_api.c, called while nf_tables_commit() walks the transaction). So a rule may name a predecessor that is
// announced after it, and it has no predecessor to name where it stands first or last.
import type { Family, Ruleset } from '../../model/ruleset.ts';
import type { Expression } from '../expressions/index.ts';
import type { NftRule } from '../installed-rule.ts';
import * as m from '../objects/messages.ts';
import { nextGeneration } from '../read.ts';
import { Change } from './commit.ts';
import { ChainHistory } from './history.ts';
import type { ChangedChain, ChangedObject, ChangedRule, ChangedTable, CommitEvent } from './types.ts';

export type FollowedRule = NftRule | ChangedRule;

/** A rule's place in its chain's list. */
interface Slot<R> {
  readonly handle: bigint;
  rule: R;
  /** Announced as deleted: kept until the commit's end, since a rule that replaces it takes its place and handle. */
  deleted: boolean;
  before: Slot<R> | undefined;
  after: Slot<R> | undefined;
}

interface Placed<R> {
  readonly handle: bigint;
  readonly rule: R;
}

/** `R`: what is kept of a rule. */
export class FollowedChain<R = FollowedRule> {
  readonly family: Family;
  readonly table: string;
  readonly handle: bigint;
  /** As it was last announced or read. */
  object: ChangedChain;
  /** Whatever who follows keeps of the chain. */
  kept: unknown;
  readonly #slots = new Map<bigint, Slot<R>>();
  #first: Slot<R> | undefined;
  #last: Slot<R> | undefined;
  /** Rules whose predecessor is not there yet, by its handle. */
  readonly #waiting = new Map<bigint, Placed<R>[]>();
  readonly #deleted = new Set<Slot<R>>();
  #rules: readonly R[] | undefined;

  constructor(object: ChangedChain) {
    this.family = object.family;
    this.table = object.table;
    this.handle = object.handle ?? 0n;
    this.object = object;
  }

  get name(): string {
    return this.object.name;
  }
  /** How many rules it has. */
  get length(): number {
    return this.#slots.size;
  }
  /** The rules in order: the same array for as long as nothing has changed. */
  get rules(): readonly R[] {
    this.#rules ??= [...this.#inOrder()];
    return this.#rules;
  }
  *#inOrder(): Generator<R> {
    for (let slot = this.#first; slot !== undefined; slot = slot.after) yield slot.rule;
  }
  handles(): Iterable<bigint> {
    return this.#slots.keys();
  }
  rule(handle: bigint): R | undefined {
    return this.#slots.get(handle)?.rule;
  }

  /** What is kept of rules becomes something else; false: of none. */
  change(change: (rule: R) => R): boolean {
    let some = false;
    for (const slot of this.#slots.values()) {
      const changed = change(slot.rule);
      if (changed === slot.rule) continue;
      slot.rule = changed;
      some = true;
    }
    // Those that will have their place when the commit is over.
    for (const [handle, list] of this.#waiting)
      this.#waiting.set(
        handle,
        list.map((placed) => ({ ...placed, rule: change(placed.rule) })),
      );
    if (some) this.#rules = undefined;
    return some;
  }

  /** Puts a rule at the end. */
  push(handle: bigint, rule: R): void {
    this.#place({ handle, rule }, this.#last);
  }

  add(handle: bigint, rule: R, predecessor: bigint | undefined, append: boolean): void {
    this.#rules = undefined;
    const known = this.#slots.get(handle);
    if (known !== undefined) {
      known.rule = rule;
      known.deleted = false;
      this.#deleted.delete(known);
    } else if (predecessor === undefined) {
      this.#place({ handle, rule }, append ? this.#last : undefined);
    } else {
      const slot = this.#slots.get(predecessor);
      if (slot === undefined) this.#waiting.set(predecessor, [...(this.#waiting.get(predecessor) ?? []), { handle, rule }]);
      else this.#place({ handle, rule }, slot);
    }
  }

  /** False when there is no such rule. */
  delete(handle: bigint): boolean {
    const slot = this.#slots.get(handle);
    if (slot === undefined || slot.deleted) return false;
    slot.deleted = true;
    this.#deleted.add(slot);
    return true;
  }

  /** The end of a commit. False when a rule still waits for its predecessor. */
  settle(): boolean {
    if (this.#deleted.size > 0) this.#rules = undefined;
    for (const slot of this.#deleted) {
      if (slot.before === undefined) this.#first = slot.after;
      else slot.before.after = slot.after;
      if (slot.after === undefined) this.#last = slot.before;
      else slot.after.before = slot.before;
      this.#slots.delete(slot.handle);
    }
    this.#deleted.clear();
    return this.#waiting.size === 0;
  }

  /** Behind `before`, or first; then whoever waited for it. */
  #place(rule: Placed<R>, before: Slot<R> | undefined): void {
    this.#rules = undefined;
    const todo: [Placed<R>, Slot<R> | undefined][] = [[rule, before]];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      const slot = this.#link(...next);
      for (const follower of this.#waiting.get(slot.handle) ?? []) todo.push([follower, slot]);
      this.#waiting.delete(slot.handle);
    }
  }

  #link({ handle, rule }: Placed<R>, before: Slot<R> | undefined): Slot<R> {
    const after = before === undefined ? this.#first : before.after;
    const slot: Slot<R> = { handle, rule, deleted: false, before, after };
    if (before === undefined) this.#first = slot;
    else before.after = slot;
    if (after === undefined) this.#last = slot;
    else after.before = slot;
    this.#slots.set(handle, slot);
    return slot;
  }
}

export class FollowedTable<R = FollowedRule> {
  readonly family: Family;
  readonly name: string;
  /** As it was last announced or read. */
  object: ChangedTable;
  /** Chains that have come, changed or gone, and those whose rules have. */
  readonly history = new ChainHistory();
  readonly #chains = new Map<bigint, FollowedChain<R>>();
  readonly #byName = new Map<string, FollowedChain<R>>();
  /** Anonymous chains by the handle of the rule that they go with: the kernel announces that of neither chain nor rules. */
  readonly #bound = new Map<bigint, FollowedChain<R>[]>();
  #hasAnonymous = false;

  constructor(object: ChangedTable) {
    this.family = object.family;
    this.name = object.name;
    this.object = object;
  }
  /** How many chains it has. */
  get size(): number {
    return this.#chains.size;
  }
  /** In order of creation. */
  chains(): Iterable<FollowedChain<R>> {
    return this.#chains.values();
  }
  chain(name: string): FollowedChain<R> | undefined {
    return this.#byName.get(name);
  }
  chainByHandle(handle: bigint): FollowedChain<R> | undefined {
    return this.#chains.get(handle);
  }

  /** New, changed, or under another name: the handle tells. */
  addChain(object: ChangedChain): FollowedChain<R> {
    const handle = object.handle ?? 0n;
    const known = this.#chains.get(handle);
    const chain = known ?? new FollowedChain<R>(object);
    if (known !== undefined) {
      this.history.add(known.name);
      if (known.name !== object.name) this.#byName.delete(known.name);
      known.object = object;
    }
    this.history.add(object.name);
    this.#chains.set(handle, chain);
    this.#byName.set(object.name, chain);
    if (object.anonymous === true) this.#hasAnonymous = true;
    return chain;
  }
  /** A rule has come: the anonymous chains that it jumps to, which are there before it, are its own. */
  bind(handle: bigint, rule: FollowedRule): void {
    if (!this.#hasAnonymous) return;
    const chains = rule.expressions.flatMap((e) => this.#byName.get(jumpOf(e) ?? '') ?? []).filter((c) => c.object.anonymous === true);
    if (chains.length > 0) this.#bound.set(handle, chains);
  }
  /** A rule goes, and its anonymous chains with it. */
  unbind(handle: bigint): void {
    const chains = this.#bound.get(handle);
    if (chains === undefined) return;
    this.#bound.delete(handle);
    for (const chain of chains) {
      for (const inner of chain.handles()) this.unbind(inner);
      this.deleteChain(chain.name);
    }
  }
  deleteChain(name: string): boolean {
    const chain = this.#byName.get(name);
    if (chain === undefined) return false;
    this.history.add(name);
    this.#byName.delete(name);
    return this.#chains.delete(chain.handle);
  }
}

export interface FollowOptions<R> {
  /** What is kept of a rule. */
  keep(rule: FollowedRule): R;
  /** What is kept of a rule when the chain `from` of its table has become `to`: the kernel announces no rule that leads there. Absent: it stays. */
  renamed?(rule: R, from: string, to: string): R;
  /** Whether a table is followed; absent: all are. */
  follows?(table: { readonly family: Family; readonly name: string }): boolean;
}

export class Follower<R = FollowedRule> {
  readonly #o: FollowOptions<R>;
  readonly #tables = new Map<string, FollowedTable<R>>();
  #generation: number;
  #lost = false;

  /** Begins without tables in `generation`: who knows more adds them. */
  constructor(generation: number, o: FollowOptions<R>) {
    this.#generation = generation;
    this.#o = o;
  }

  static of(begin: Ruleset<NftRule>): Follower {
    const follower = new Follower<FollowedRule>(begin.generation ?? 0, { keep: (rule) => rule });
    for (const table of begin.tables) {
      const followed = follower.addTable(table);
      for (const chain of table.chains) {
        const into = followed.addChain(chain);
        for (const rule of chain.rules) into.push(rule.handle, rule);
      }
      for (const chain of table.chains) for (const rule of chain.rules) followed.bind(rule.handle, rule);
    }
    return follower;
  }

  /** Of the last commit that was applied. */
  get generation(): number {
    return this.#generation;
  }
  tables(): Iterable<FollowedTable<R>> {
    return this.#tables.values();
  }
  table(family: Family, name: string): FollowedTable<R> | undefined {
    return this.#tables.get(`${family} ${name}`);
  }

  /**
   * Applies a commit; one that was in the snapshot already is passed over. False when the state can't be followed any more:
   * a commit is missing, or it names what isn't known. Then only a new snapshot helps.
   */
  apply(commit: CommitEvent): boolean {
    if (this.#lost) return false;
    // What the kernel says by itself is no commit, and never about tables, chains or rules.
    if (commit.tid === 0) return true;
    const ahead = (commit.generation - this.#generation) | 0;
    if (ahead <= 0) return true;
    const expected = nextGeneration(this.#generation);
    const touched = new Set<FollowedChain<R>>();
    this.#lost =
      commit.generation !== expected || !commit.changes.every((change) => change instanceof Change && this.#change(change, touched));
    for (const chain of touched) {
      if (!chain.settle()) this.#lost = true;
      this.table(chain.family, chain.table)?.history.add(chain.name);
    }
    this.#generation = commit.generation;
    return !this.#lost;
  }

  addTable(object: ChangedTable): FollowedTable<R> {
    const key = `${object.family} ${object.name}`;
    // The kernel does not announce that a table has gone with its owner: another one may come in its place.
    const known = this.#tables.get(key)?.object.handle === object.handle ? this.#tables.get(key) : undefined;
    if (known !== undefined) known.object = object;
    const table = known ?? new FollowedTable<R>(object);
    this.#tables.set(key, table);
    return table;
  }

  #follows(family: Family, name: string): boolean {
    return this.#o.follows?.({ family, name }) ?? true;
  }

  #rename(table: FollowedTable<R>, from: string, to: string): void {
    if (this.#o.renamed === undefined) return;
    for (const chain of table.chains())
      if (chain.change((rule) => this.#o.renamed?.(rule, from, to) ?? rule)) table.history.add(chain.name);
  }

  #change(change: Change, touched: Set<FollowedChain<R>>): boolean {
    switch (change.type) {
      case m.NFT_MSG_NEWTABLE: {
        const table = of(change.object, 'table');
        if (this.#follows(table.family, table.name)) this.addTable(table);
        return true;
      }
      case m.NFT_MSG_DELTABLE: {
        const { family, name } = of(change.object, 'table');
        return !this.#follows(family, name) || this.#tables.delete(`${family} ${name}`);
      }
      case m.NFT_MSG_NEWCHAIN: {
        const chain = of(change.object, 'chain');
        if (!this.#follows(chain.family, chain.table)) return true;
        const table = this.table(chain.family, chain.table);
        if (table === undefined) return false;
        const from = table.chainByHandle(chain.handle ?? 0n)?.name ?? chain.name;
        table.addChain(chain);
        if (from !== chain.name) this.#rename(table, from, chain.name);
        return true;
      }
      case m.NFT_MSG_DELCHAIN: {
        const chain = of(change.object, 'chain');
        // With devices only those were deleted: nft_delchain_hook(). Kernels before 6.4 tell the hook of every base chain.
        if (chain.dev !== undefined || !this.#follows(chain.family, chain.table)) return true;
        return this.table(chain.family, chain.table)?.deleteChain(chain.name) === true;
      }
      case m.NFT_MSG_NEWRULE:
      case m.NFT_MSG_DELRULE: {
        const rule = of(change.object, 'rule');
        if (!this.#follows(rule.family, rule.table)) return true;
        const table = this.table(rule.family, rule.table);
        const chain = table?.chain(rule.chain);
        if (table === undefined || chain === undefined) return false;
        touched.add(chain);
        if (change.type === m.NFT_MSG_DELRULE) {
          table.unbind(rule.handle);
          return chain.delete(rule.handle);
        }
        table.bind(rule.handle, rule);
        chain.add(rule.handle, this.#o.keep(rule), rule.position, (change.flags & m.NLM_F_APPEND) !== 0);
        return true;
      }
      default:
        return true;
    }
  }
}

/** Where an expression jumps or goes to. */
function jumpOf(e: Expression): string | undefined {
  const { data } = e as { readonly data?: { readonly chain?: string } };
  return e.type === 'immediate' ? data?.chain : undefined;
}

type Named = { readonly table: ChangedTable; readonly chain: ChangedChain; readonly rule: ChangedRule };

/** The object of a change whose message type has said what it is. */
function of<K extends keyof Named>(object: ChangedObject, key: K): Named[K] {
  return (object as unknown as Named)[key];
}
