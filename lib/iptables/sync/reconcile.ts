// Look, plan, send on the condition that it is still so; and again where somebody else was faster.
import type { CallOptions } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import type { Verb } from '../../run.ts';
import { commitPlanned } from '../../sync/commit.ts';
import type { SyncReport } from '../../sync/report.ts';
import { ofAllTables } from '../partly-applied.ts';
import { MadeKeys } from './desired-keys.ts';
import type { TableScope } from './scope.ts';
import type { ChainState } from './state.ts';
import type { SendPlanOptions, SyncStore, SyncView } from './store.ts';
import { isEmpty, planTable, type TablePlan } from './table-plan.ts';

export type { SyncReport };

export interface SyncOptions extends CallOptions {
  /**
   * A rule that is moved is another to the kernel, and begins to count anew. True: it begins with what it had counted when it was looked at right
   * before the commit; what it counts in between is lost. Default: false.
   */
  readonly carryCounters?: boolean;
}

/** The tables of one commit. */
export interface GroupPlan<C extends ChainState, V> {
  readonly scopes: readonly TableScope[];
  readonly view: V;
  readonly plans: readonly TablePlan<C>[];
}

export class Reconciler<C extends ChainState = ChainState, V extends SyncView<C> = SyncView<C>> {
  readonly #store: SyncStore<C, V>;
  readonly #keys: MadeKeys;

  constructor(store: SyncStore<C, V>) {
    this.#store = store;
    this.#keys = new MadeKeys(store.keys);
  }

  *plan(scopes: readonly TableScope[]): Verb<GroupPlan<C, V>[]> {
    const byName = new Map(scopes.map((s) => [s.name, s]));
    const out: GroupPlan<C, V>[] = [];
    for (const names of this.#store.groups([...byName.keys()]))
      out.push(yield* this.#planGroup(names.map((name) => byName.get(name) as TableScope)));
    return out;
  }

  *#planGroup(scopes: readonly TableScope[]): Verb<GroupPlan<C, V>> {
    yield* this.#keys.make(scopes.flatMap(({ desired }) => desired ?? []));
    const view = yield* this.#store.look(scopes.map(({ name }) => name));
    return { scopes, view, plans: scopes.map((scope) => planTable(scope, view.table(scope.name), this.#keys)) };
  }

  *sync(scopes: readonly TableScope[], o: SyncOptions): Verb<SyncReport> {
    return yield* this.carryOut(yield* this.plan(scopes), o);
  }

  /** Carries out plans, made anew where they don't hold any more. `old`: they were made some time ago, and those without changes are looked at again. */
  *carryOut(groups: readonly GroupPlan<C, V>[], o: SyncOptions, old = false): Verb<SyncReport> {
    const total = { added: 0, removed: 0, moved: 0, kept: 0 };
    const written: string[] = [];
    let [generation, retries]: [number | undefined, number] = [undefined, 0];
    for (const [i, group] of groups.entries()) {
      try {
        const empty = old && group.plans.every(isEmpty);
        const done = yield* this.#carryOutGroup(empty ? yield* this.#planGroup(group.scopes) : group, {
          carryCounters: o.carryCounters === true,
        });
        for (const plan of done.plans) for (const key of ['added', 'removed', 'moved', 'kept'] as const) total[key] += plan[key];
        generation = done.generation;
        retries += done.retries;
        written.push(...done.plans.filter((plan) => !isEmpty(plan)).map((plan) => plan.table));
      } catch (err) {
        throw err instanceof NetfilterError ? ofAllTables(err, written, i + 1 < groups.length) : err;
      }
    }
    return { ...total, ...(generation === undefined ? {} : { generation }), retries };
  }

  *#carryOutGroup(
    first: GroupPlan<C, V>,
    o: SendPlanOptions,
  ): Verb<{
    readonly plans: readonly TablePlan<C>[];
    readonly generation: number | undefined;
    readonly retries: number;
  }> {
    const attempt = (group: GroupPlan<C, V>) => ({
      group,
      empty: group.plans.every(isEmpty),
      generation: group.view.generation,
    });
    let { by } = first.view;
    const again = (): Verb<GroupPlan<C, V>> => this.#planGroup(first.scopes);
    const send = ({ view, plans }: GroupPlan<C, V>): Verb<number | undefined> => this.#store.send(view, plans, o);
    const { plan, generation, retries } = yield* commitPlanned(attempt(first), {
      *plan() {
        const group = yield* again();
        by = group.view.by;
        return attempt(group);
      },
      by: () => by,
      send: ({ group }) => send(group),
      what: first.scopes.map(({ name }) => name).join(', '),
    });
    return { plans: plan.group.plans, generation, retries };
  }
}
