// A plan for tables in nf_tables as one batch: rules that stay are not named, rules that come stand behind one that stays or has come before.
import { NetfilterError } from '../../errors.ts';
import type { Counter } from '../../model/ruleset.ts';
import { Batch } from '../../nftables/batch.ts';
import { RuleDump } from '../../nftables/installed-rule.ts';
import { families } from '../../nftables/objects/messages.ts';
import { dumpRules, nextGeneration } from '../../nftables/read.ts';
import { sendBatch } from '../../nftables/send.ts';
import { Slice, type Verb } from '../../run.ts';
import { builtinChain } from '../builtin.ts';
import { commandError, operationOf } from '../command-error.ts';
import { type Command, misplaced, type TableCommands } from '../commands.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { DesiredRule } from '../sync/desired.ts';
import type { SendPlanOptions, SyncStore } from '../sync/store.ts';
import type { ChainPlan, TablePlan } from '../sync/table-plan.ts';
import type { XtRule } from '../xt-rule.ts';
import { IptablesBatch, type RuleName, type RulePlace } from './batch.ts';
import { explained } from './commands.ts';
import type { CompatContext } from './context.ts';
import { ruleExpressions } from './encode.ts';
import { hiddenChain } from './look.ts';
import { CompatKeys } from './rule-keys.ts';
import { CompatView, type View } from './view.ts';
import type { ViewChain } from './view-rule.ts';

export type CompatTablePlan = TablePlan<ViewChain>;

/** Rules a message about which costs, with its attributes. */
const BYTES_A_CHANGE = 700;
const MOST_FOLLOWED = 5000;
/** Rules between two looks at the clock. */
const AT_ONCE = 64;

/** One transaction for all tables. */
export class CompatSync implements SyncStore<ViewChain, View> {
  readonly keys: CompatKeys;
  readonly #context: CompatContext;
  readonly #view: CompatView;

  constructor(context: CompatContext) {
    this.#context = context;
    this.#view = new CompatView(context);
    this.keys = new CompatKeys(context.family);
  }
  groups(tables: readonly string[]): readonly (readonly string[])[] {
    return [tables];
  }
  look(tables: readonly string[]): Verb<View> {
    return this.#view.look(tables);
  }
  send(view: View, plans: readonly CompatTablePlan[], o: SendPlanOptions): Verb<number | undefined> {
    return sendPlans(this.#context, this.#view, view, plans, o);
  }
}

/** Sends what the plans say, on the condition that nobody has committed since the view's generation: ERESTART otherwise. */
function* sendPlans(
  context: CompatContext,
  view: CompatView,
  { generation, table }: View,
  plans: readonly CompatTablePlan[],
  o: SendPlanOptions,
): Verb<number | undefined> {
  yield* context.learn(comingRules(plans));
  const counters = o.carryCounters ? yield* movedCounters(context, plans) : undefined;
  const changes = plans.reduce((sum, p) => sum + p.added + p.moved + p.removed + p.chains.length + p.deleted.length, 0);
  const batch = new Batch((changes + 1) * BYTES_A_CHANGE);
  const bytes = context.bytes();
  const keys: string[] = [];
  const slice = new Slice();
  const work: TableCommands[] = [];
  let first = 0;
  for (const plan of plans) {
    for (const { name } of plan.chains) {
      const hidden = table(plan.table).hidden(name);
      if (hidden !== undefined) throw hiddenChain(plan.table, name, hidden.hook !== undefined);
    }
    const writer = new PlanWriter(context, bytes, batch, plan, first, keys, counters?.get(plan));
    yield* writer.write(slice);
    first += writer.commands.length;
    work.push({ table: plan.table, commands: writer.commands, fresh: false });
  }
  // Of the one it is conditional on; the kernel does not tell where a deletion comes first.
  const next = nextGeneration(generation);
  // A dump costs less than so many events, which the kernel writes for whoever listens.
  if (changes > MOST_FOLLOWED) view.close();
  else view.sending(next, keys);
  try {
    yield* sendBatch(context.connection, batch, { generation, handles: false });
    context.known.clear();
    return next;
  } catch (err) {
    if (!(err instanceof NetfilterError) || err.code === 'ERESTART') throw err;
    throw explained(context, err, work, first);
  }
}

function* comingRules(plans: readonly CompatTablePlan[]): Generator<RuleSpec> {
  for (const { chains } of plans)
    for (const chain of chains) for (const [place, from] of chain.alignment.from.entries()) if (from < 0) yield chain.rule(place).spec;
}

type CountersByHandle = ReadonlyMap<bigint, Counter>;

/** What the rules of chains in which some move have counted, table by table: the kernel numbers rules anew in each. */
function* movedCounters(context: CompatContext, plans: readonly CompatTablePlan[]): Verb<ReadonlyMap<CompatTablePlan, CountersByHandle>> {
  const out = new Map<CompatTablePlan, CountersByHandle>();
  for (const plan of plans) {
    const counters = new Map<bigint, Counter>();
    out.set(plan, counters);
    for (const { name, alignment } of plan.chains) {
      if (alignment.moved === 0) continue;
      const scope = { family: families[context.family], table: plan.table, chain: name };
      const dump = new RuleDump(yield* dumpRules(context.connection, scope));
      for (const [row, handle] of dump.reply.handles.entries()) {
        const counter = dump.counter(row);
        if (counter !== undefined) counters.set(handle, counter);
      }
    }
  }
  return out;
}

interface Coming {
  readonly id: number | undefined;
  /** What it begins with. */
  readonly counter: Counter | undefined;
}

class PlanWriter {
  /** What each message is of, for errors. */
  readonly commands: Command[] = [];
  readonly #context: CompatContext;
  readonly #bytes: BytesContext;
  readonly #out: IptablesBatch;
  readonly #plan: CompatTablePlan;
  readonly #first: number;
  readonly #keys: string[];
  /** Undefined: what moves begins to count anew. */
  readonly #counters: CountersByHandle | undefined;

  constructor(
    context: CompatContext,
    bytes: BytesContext,
    batch: Batch,
    plan: CompatTablePlan,
    first: number,
    keys: string[],
    counters: CountersByHandle | undefined,
  ) {
    this.#context = context;
    this.#bytes = bytes;
    this.#out = new IptablesBatch(context.family, plan.table, batch);
    this.#plan = plan;
    this.#first = first;
    this.#keys = keys;
    this.#counters = counters;
  }

  /** Chains before the rules that lead there, and gone after them. */
  *write(slice: Slice): Verb<void> {
    const { chains, deleted, exists } = this.#plan;
    if (!exists) this.#out.addTable(this.#first);
    for (const chain of chains) this.#chain(chain);
    for (const chain of chains) yield* this.#rules(chain, slice);
    for (const { name } of deleted) this.#out.flushChain(name, this.#command({ verb: 'flushChain', chain: name }));
    for (const { name } of deleted) this.#out.deleteChain(name, this.#command({ verb: 'deleteChain', chain: name }));
  }

  /** The operation's number. */
  #command(c: Command): number {
    return this.#first + this.commands.push(c) - 1;
  }

  #chain({ name, was, policy }: ChainPlan): void {
    const builtin = builtinChain(this.#plan.table, name);
    if (builtin === undefined) {
      if (was === undefined) this.#out.addChain(name, true, this.#command({ verb: 'newChain', chain: name }));
      return;
    }
    if (was !== undefined && policy === undefined) return;
    const settings = policy === undefined ? {} : { policy };
    const command: Command = { verb: 'setPolicy', chain: name, policy: policy ?? 'ACCEPT', counter: undefined };
    const index = this.#command(command);
    this.#mustFit(index, command);
    if (was === undefined) this.#out.addBuiltin(builtin, settings, index);
    else this.#out.changeBuiltin(builtin, settings, index);
  }

  *#rules({ name, was, keys, alignment, rule }: ChainPlan<ViewChain>, slice: Slice): Verb<void> {
    const { from, movedFrom, gone, kept } = alignment;
    if (was !== undefined && gone.length > 0) {
      if (kept === 0) this.#out.flushChain(name, this.#command({ verb: 'flushChain', chain: name }));
      else for (const place of gone) this.#delete(name, was, place);
    }
    let last = from.length - 1;
    while (last >= 0 && (from[last] as number) < 0) last--;
    let before: RuleName | undefined;
    for (const [place, stays] of from.entries()) {
      if (stays >= 0) {
        before = { handle: (was as ViewChain).handle(stays) };
        continue;
      }
      if (place % AT_ONCE === 0) yield* slice.pause();
      // Behind the last that stays there is only the end.
      const at: RulePlace = place > last ? 'last' : before === undefined ? 'first' : { after: before };
      const id = place > last ? undefined : this.#out.batch.newRuleId();
      const old = movedFrom[place] as number;
      this.#add(name, rule(place), at, { id, counter: old < 0 ? undefined : this.#counters?.get((was as ViewChain).handle(old)) });
      this.#keys.push(keys[place] as string);
      if (id !== undefined) before = { id };
    }
  }

  #add(chain: string, { spec, line }: DesiredRule, place: RulePlace, { id, counter }: Coming): void {
    const command: Command = { verb: 'append', chain, rule: spec, ...(line === undefined ? {} : { line }) };
    const index = this.#command(command);
    const named = { ...operationOf(this.#context.family, this.#plan.table, index, command), index };
    this.#mustFit(index, command);
    const rule = this.#bytesOf(index, command, spec);
    this.#out.addRule(chain, ruleExpressions(counter === undefined ? rule : { ...rule, counter }), place, named, { id });
  }

  #bytesOf(index: number, c: Command, spec: RuleSpec): XtRule {
    try {
      return this.#context.xtRule(spec, this.#bytes);
    } catch (err) {
      // An ipset that isn't there, or what no revision can say.
      if (!(err instanceof NetfilterError)) throw err;
      throw commandError(this.#context.family, this.#plan.table, index, c, err.message, err.code, -err.errno, err);
    }
  }

  #mustFit(index: number, c: Command): void {
    const { table } = this.#plan;
    const reason = misplaced(table, c);
    if (reason !== undefined) throw commandError(this.#context.family, table, index, c, reason, 'ERR_INVALID_ARG', 0);
  }

  #delete(chain: string, was: ViewChain, place: number): void {
    const command: Command = { verb: 'deleteAt', chain, number: place + 1 };
    const index = this.#command(command);
    const named = { ...operationOf(this.#context.family, this.#plan.table, index, command), index };
    this.#out.deleteRule(chain, { handle: was.handle(place) }, named);
  }
}
