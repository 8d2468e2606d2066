// The commands of a transaction laid out as one nf_tables batch. Rule numbers and texts are resolved against the chain as
// it will be when the command's turn comes; the commit is then conditional on the generation that was looked at.
import { NetfilterError } from '../../errors.ts';
import type { Named } from '../../nftables/batch.ts';
import { RuleDump } from '../../nftables/installed-rule.ts';
import { resolveLookups } from '../../nftables/lookups.ts';
import * as m from '../../nftables/objects/messages.ts';
import { dumpRules, readGeneration } from '../../nftables/read.ts';
import { type CommitResult, type Operation, sendBatch } from '../../nftables/send.ts';
import type { Verb } from '../../run.ts';
import { builtinChain } from '../builtin.ts';
import type { Command } from '../commands.ts';
import { type BytesContext, ValueError } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { XtRule } from '../xt-rule.ts';
import { IptablesBatch, type RuleName } from './batch.ts';
import { ChainState, type Entry } from './chain-state.ts';
import type { CompatContext } from './context.ts';
import { ruleExpressions } from './encode.ts';

const TRIES = 10;
const ENOENT = 2;
const E2BIG = 7;

/** Applies all commands or none. */
export function* commitCommands(
  context: CompatContext,
  table: string,
  commands: readonly Command[],
  o: { readonly dryRun?: boolean },
): Verb<CommitResult> {
  yield* context.learn(rulesOf(commands));
  // A table or builtin chain that isn't there yet is rare: it costs a second try instead of a question each time.
  let create = false;
  for (let tries = 1; ; tries++) {
    const generation = needsLook(commands) ? (yield* readGeneration(context.connection)).generation : undefined;
    const layout = new Layout(context, table, yield* look(context, table, commands));
    if (create) layout.create(commands);
    for (const [index, command] of commands.entries()) layout.command(index, command);
    const { batch } = layout.out;
    yield* resolveLookups(context.connection, batch.lookups, batch.writer);
    try {
      const result = yield* sendBatch(context.connection, batch, { ...o, ...(generation === undefined ? {} : { generation }) });
      return {
        ...(result.generation === undefined ? {} : { generation: result.generation }),
        handle: (op: Operation) => result.handle({ index: layout.messageOf(op.index) }),
      };
    } catch (err) {
      if (!(err instanceof NetfilterError)) throw err;
      if (err.code === 'ERESTART' && tries < TRIES) continue;
      if (!create && missesBuiltin(err, commands, table)) {
        create = true;
        continue;
      }
      throw err;
    }
  }
}

function rulesOf(commands: readonly Command[]): RuleSpec[] {
  return commands.flatMap((c) => ('rule' in c ? [c.rule] : []));
}

function looksAt(c: Command): boolean {
  return c.verb === 'replace' || c.verb === 'delete' || c.verb === 'deleteAt' || (c.verb === 'insert' && c.number > 1);
}

function needsLook(commands: readonly Command[]): boolean {
  return commands.some((c) => looksAt(c) || c.verb === 'renameChain');
}

/** Dumps of the chains whose rules must be known. */
function* look(context: CompatContext, table: string, commands: readonly Command[]): Verb<Map<string, RuleDump>> {
  const dumps = new Map<string, RuleDump>();
  for (const c of commands) {
    if (!looksAt(c) || c.chain === undefined || dumps.has(c.chain)) continue;
    dumps.set(c.chain, new RuleDump(yield* dumpRules(context.connection, { family: m.families[context.family], table, chain: c.chain })));
  }
  return dumps;
}

/** Whether the kernel missed the table, or a builtin chain that iptables would have made. */
function missesBuiltin(err: NetfilterError, commands: readonly Command[], table: string): boolean {
  return err.failures.some((f) => {
    if (f.operation === undefined) return false;
    const command = commands[f.operation.index];
    // The kernel's way of saying that there is no chain whose policy could be set (nf_tables_newchain).
    if (f.code === 'EOPNOTSUPP') return command?.verb === 'setPolicy' && f.operation.path === 'policy';
    if (f.code !== 'ENOENT') return false;
    if (f.operation.path === 'table') return true;
    const places = f.operation.path === 'chain' || f.operation.path === 'name';
    return places && command?.chain !== undefined && builtinChain(table, command.chain) !== undefined;
  });
}

class Layout {
  readonly out: IptablesBatch;
  readonly #context: CompatContext;
  readonly #bytes: BytesContext;
  readonly #chains = new Map<string, ChainState>();
  readonly #messages = new Map<number, number>();
  #nextId = 1;

  constructor(context: CompatContext, table: string, dumps: ReadonlyMap<string, RuleDump>) {
    this.#context = context;
    this.#bytes = context.bytes();
    this.out = new IptablesBatch(context.family, table);
    for (const [chain, dump] of dumps) this.#chains.set(chain, new ChainState(this.#bytes, dump));
  }

  /** The message that carries the rule of a command. */
  messageOf(command: number): number {
    return this.#messages.get(command) ?? -1;
  }

  /** The table and the builtin chains that the commands touch. */
  create(commands: readonly Command[]): void {
    this.out.addTable();
    for (const name of new Set(commands.map((c) => c.chain))) {
      const builtin = name === undefined ? undefined : builtinChain(this.out.table, name);
      if (builtin !== undefined) this.out.addBuiltin(builtin);
    }
  }

  command(index: number, c: Command): void {
    switch (c.verb) {
      case 'append':
        return this.#add(index, c, this.#chains.get(c.chain)?.entries.length ?? 0, 'last');
      case 'insert':
        return this.#insert(index, c);
      case 'replace':
        return this.#replace(index, c);
      case 'delete':
        return this.#deleteRule(index, c, this.#find(index, c));
      case 'deleteAt':
        return this.#deleteRule(index, c, this.#number(index, c));
      case 'newChain':
        return this.out.addChain(c.chain, true, index);
      case 'deleteChain':
        this.#chains.delete(c.chain);
        return this.out.deleteChain(c.chain, index);
      case 'flushChain':
        for (const [name, state] of this.#chains) if (c.chain === undefined || c.chain === name) state.entries.length = 0;
        return c.chain === undefined ? this.out.flushTable(index) : this.out.flushChain(c.chain, index);
      case 'renameChain':
        return this.out.renameChain(c.chain, c.to, index);
      case 'setPolicy': {
        const builtin = builtinChain(this.out.table, c.chain);
        if (builtin === undefined)
          throw this.#error(
            index,
            c,
            `${c.chain} is no builtin chain of table ${this.out.table}: only those have a policy`,
            'ERR_INVALID_ARG',
            0,
          );
        return this.out.changeBuiltin(builtin, { policy: c.policy, ...(c.counter === undefined ? {} : { counter: c.counter }) }, index);
      }
      default:
        c satisfies never;
    }
  }

  #named(index: number, c: Command): Named {
    return {
      verb: c.verb,
      object: { rule: { family: this.#context.family, table: this.out.table, chain: c.chain, ...('rule' in c ? { rule: c.rule } : {}) } },
      index,
    };
  }

  #error(index: number, c: Command, reason: string, code: string, errno: number): NetfilterError {
    const { verb, object } = this.#named(index, c);
    return new NetfilterError(`operation ${index} (${verb} in ${this.out.table} ${c.chain ?? ''}): ${reason}; nothing was sent`, {
      code,
      errno,
      operation: { index, verb, object },
    });
  }

  #state(chain: string): ChainState | undefined {
    return this.#chains.get(chain);
  }

  #add(
    index: number,
    c: Command & { readonly rule: RuleSpec; readonly chain: string },
    at: number,
    place: 'first' | 'last' | { readonly after: RuleName },
  ): void {
    const state = this.#state(c.chain);
    const id = this.#nextId++;
    const rule = this.#xtRule(index, c);
    this.#messages.set(index, this.out.addRule(c.chain, ruleExpressions(rule), place, this.#named(index, c), id));
    if (state !== undefined) state.entries.splice(at, 0, { id, rule });
  }

  #xtRule(index: number, c: Command & { readonly rule: RuleSpec }): XtRule {
    try {
      return this.#context.xtRule(c.rule, this.#bytes);
    } catch (err) {
      if (err instanceof ValueError) throw this.#error(index, c, err.message, 'ERR_INVALID_ARG', 0);
      throw err;
    }
  }

  #insert(index: number, c: Command & { readonly verb: 'insert' }): void {
    if (c.number === 1) return this.#add(index, c, 0, 'first');
    const before = this.#state(c.chain)?.entries[c.number - 2];
    if (before === undefined) throw this.#error(index, c, `rule number ${c.number} is too big`, 'E2BIG', E2BIG);
    this.#add(index, c, c.number - 1, { after: nameOf(before) });
  }

  #number(index: number, c: Command & { readonly chain: string; readonly number: number }): number {
    const length = this.#state(c.chain)?.entries.length ?? 0;
    if (c.number > length) throw this.#error(index, c, `no rule number ${c.number}, the chain has ${length}`, 'E2BIG', E2BIG);
    return c.number - 1;
  }

  #find(index: number, c: Command & { readonly verb: 'delete' }): number {
    const at = this.#state(c.chain)?.find(this.#xtRule(index, c)) ?? -1;
    if (at < 0) throw this.#error(index, c, 'no such rule in that chain', 'ENOENT', ENOENT);
    return at;
  }

  #deleteRule(index: number, c: Command & { readonly chain: string }, at: number): void {
    const [entry] = this.#state(c.chain)?.entries.splice(at, 1) ?? [];
    if (entry !== undefined) this.out.deleteRule(c.chain, nameOf(entry), this.#named(index, c));
  }

  #replace(index: number, c: Command & { readonly verb: 'replace' }): void {
    const at = this.#number(index, c);
    const state = this.#state(c.chain) as ChainState;
    const old = state.entries[at] as Entry;
    if ('id' in old) {
      // The kernel replaces by handle only; a rule of this batch has none yet.
      this.#add(index, c, at + 1, { after: nameOf(old) });
      return this.#deleteRule(index, c, at);
    }
    const id = this.#nextId++;
    const rule = this.#xtRule(index, c);
    this.#messages.set(index, this.out.addRule(c.chain, ruleExpressions(rule), { replace: old.handle }, this.#named(index, c), id));
    state.entries[at] = { id, rule };
  }
}

function nameOf(entry: Entry): RuleName {
  return 'id' in entry ? { id: entry.id } : { handle: entry.handle };
}
