// A plan for one legacy table as commands of libiptc: one commit, under the lock, if the table is still as it was read.
import type { Verb } from '../../run.ts';
import type { Command, TableCommands } from '../commands.ts';
import { rulesOfCommands } from '../commands.ts';
import type { RuleContext } from '../context.ts';
import type { SendPlanOptions, SyncStore, SyncView } from '../sync/store.ts';
import type { ChainPlan, TablePlan } from '../sync/table-plan.ts';
import { commitEncoded, encode } from './commit.ts';
import { LegacyKeys } from './rule-keys.ts';
import { LegacyTables, type RowCounters } from './tables.ts';
import type { LegacyChainView, LegacyView } from './view.ts';

interface LegacySyncView extends SyncView<LegacyChainView> {
  table(name: string): LegacyView;
}

export class LegacySync implements SyncStore<LegacyChainView, LegacySyncView> {
  readonly keys: LegacyKeys;
  readonly #context: RuleContext;
  readonly #lockTimeoutMs: number;
  readonly #tables: LegacyTables;

  constructor(context: RuleContext, lockTimeoutMs: number) {
    this.#context = context;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#tables = new LegacyTables(context);
    this.keys = new LegacyKeys(context.family);
  }

  groups(tables: readonly string[]): readonly (readonly string[])[] {
    return tables.map((table) => [table]);
  }

  *look(tables: readonly string[]): Verb<LegacySyncView> {
    const views = new Map<string, LegacyView>();
    for (const name of tables) views.set(name, yield* this.#tables.look(name));
    return { table: (name) => views.get(name) as LegacyView };
  }

  *send(view: LegacySyncView, plans: readonly TablePlan<LegacyChainView>[], o: SendPlanOptions): Verb<undefined> {
    for (const plan of plans) {
      const counters = o.carryCounters && plan.moved > 0 ? yield* this.#tables.counters(plan.table) : undefined;
      const commands = commandsOfPlan(plan, counters);
      if (commands.length === 0) continue;
      const work: TableCommands = { table: plan.table, commands, fresh: false };
      yield* this.#context.learn(rulesOfCommands(commands));
      const encoded = encode(this.#context, work, true);
      const { expected } = view.table(plan.table);
      yield* commitEncoded(this.#context, work, encoded, { lockTimeoutMs: this.#lockTimeoutMs, expected });
    }
  }
}

/** Chains before the rules that lead there, and gone after them. */
function commandsOfPlan({ chains, deleted }: TablePlan<LegacyChainView>, counters: RowCounters | undefined): Command[] {
  const out: Command[] = [];
  for (const { name, was, builtin } of chains) if (was === undefined && !builtin) out.push({ verb: 'newChain', chain: name });
  for (const chain of chains) out.push(...ruleCommands(chain, counters));
  for (const { name, policy } of chains) if (policy !== undefined) out.push({ verb: 'setPolicy', chain: name, policy, counter: undefined });
  for (const { name } of deleted) out.push({ verb: 'flushChain', chain: name });
  for (const { name } of deleted) out.push({ verb: 'deleteChain', chain: name });
  return out;
}

function* ruleCommands(
  { name: chain, was, alignment, rule }: ChainPlan<LegacyChainView>,
  counters: RowCounters | undefined,
): Generator<Command> {
  const { from, movedFrom, gone, kept } = alignment;
  if (kept === 0 && gone.length > 0) yield { verb: 'flushChain', chain };
  // From the end, so that the numbers before stay what they are.
  else for (const place of gone.toReversed()) yield { verb: 'deleteAt', chain, number: place + 1 };
  let last = from.length - 1;
  while (last >= 0 && (from[last] as number) < 0) last--;
  for (const [place, stays] of from.entries()) {
    if (stays >= 0) continue;
    const { spec, line } = rule(place);
    const old = movedFrom[place] as number;
    const leading = old < 0 || was === undefined ? undefined : counters?.(was.row(old));
    const at = { chain, rule: spec, ...(line === undefined ? {} : { line }), ...(leading === undefined ? {} : { leading }) };
    if (place > last) yield { verb: 'append', ...at };
    else yield { verb: 'insert', number: place + 1, ...at };
  }
}
