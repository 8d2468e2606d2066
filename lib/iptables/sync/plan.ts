// What a sync would do, to be looked at before it is done.
import type { Connection } from '../../connection.ts';
import { diffText } from './diff-text.ts';
import type { GroupPlan, Reconciler, SyncOptions, SyncReport } from './reconcile.ts';
import type { KeyKind } from './rule-key.ts';
import type { ChainState } from './state.ts';
import type { SyncView } from './store.ts';
import { isEmpty, type TablePlan } from './table-plan.ts';

export interface Plan extends SyncReport {
  /** Nothing has to be done. */
  readonly empty: boolean;
  /** False where so many rules are alike that fewer could be touched: see docs/sync.md. */
  readonly minimal: boolean;
  /** Those that were looked at. */
  readonly tables: readonly string[];
  /** Chains to be made and deleted. */
  readonly chains: { readonly added: readonly ChainName[]; readonly removed: readonly ChainName[] };
  /** The difference, as diff -u prints one of save texts. */
  toString(): string;
  /** Does it. Where the tables have changed since, the plan is made anew: what it reports is what was done. */
  apply(o?: SyncOptions): Promise<SyncReport>;
  applySync(o?: Omit<SyncOptions, 'signal'>): SyncReport;
}
export interface ChainName {
  readonly table: string;
  readonly chain: string;
}

export class SyncPlan<C extends ChainState, V extends SyncView<C>> implements Plan {
  readonly added: number;
  readonly removed: number;
  readonly moved: number;
  readonly kept: number;
  readonly generation?: number;
  readonly retries = 0;
  readonly empty: boolean;
  readonly minimal: boolean;
  readonly #connection: Connection;
  readonly #reconciler: Reconciler<C, V>;
  readonly #groups: readonly GroupPlan<C, V>[];
  readonly #kind: KeyKind;

  constructor(connection: Connection, reconciler: Reconciler<C, V>, groups: readonly GroupPlan<C, V>[], kind: KeyKind) {
    this.#connection = connection;
    this.#reconciler = reconciler;
    this.#groups = groups;
    this.#kind = kind;
    const plans = this.#plans;
    const sum = (of: (plan: TablePlan<C>) => number): number => plans.reduce((total, plan) => total + of(plan), 0);
    this.added = sum((p) => p.added);
    this.removed = sum((p) => p.removed);
    this.moved = sum((p) => p.moved);
    this.kept = sum((p) => p.kept);
    this.empty = plans.every(isEmpty);
    this.minimal = plans.every((p) => p.minimal);
    const generation = groups.at(-1)?.view.generation;
    if (generation !== undefined) this.generation = generation;
  }

  get #plans(): readonly TablePlan<C>[] {
    return this.#groups.flatMap(({ plans }) => plans);
  }
  get tables(): readonly string[] {
    return this.#plans.map(({ table }) => table);
  }
  get chains(): Plan['chains'] {
    const added = this.#plans.flatMap(({ table, chains }) =>
      chains.filter((c) => c.was === undefined).map(({ name }) => ({ table, chain: name })),
    );
    const removed = this.#plans.flatMap(({ table, deleted }) => deleted.map(({ name }) => ({ table, chain: name })));
    return { added, removed };
  }
  toString(): string {
    return diffText(this.#plans, this.#kind);
  }

  async apply(o: SyncOptions = {}): Promise<SyncReport> {
    return await this.#connection.runAsync('apply', () => this.#reconciler.carryOut(this.#groups, o, true), o, true);
  }
  applySync(o: Omit<SyncOptions, 'signal'> = {}): SyncReport {
    return this.#connection.runSync('apply', () => this.#reconciler.carryOut(this.#groups, o, true), true);
  }
}
