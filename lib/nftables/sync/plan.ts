// What a sync of a ruleset would do, to be looked at before it is done; and what it has done.
import type { CallOptions, Connection } from '../../connection.ts';
import type { Family } from '../../model/ruleset.ts';
import type { Committed } from '../../sync/commit.ts';
import type { SyncReport } from '../../sync/report.ts';
import { diffText } from './diff-text.ts';
import type { ElementCounts } from './elements.ts';
import { isGone, isMade, type Part, type TablePlan } from './parts.ts';
import type { Reconciler, RulesetPlan } from './reconcile.ts';

/** The numbers of SyncReport are of rules; of those in anonymous chains only the rule that jumps there counts. */
export interface NftSyncReport extends SyncReport {
  /** That the tables were in afterwards. */
  readonly generation: number;
  /** Of named sets and maps; a range is one. */
  readonly elements: ElementCounts;
}

/** A thing of a table, or a table. */
export interface Planned {
  readonly family: Family;
  /** Absent where it is a table itself. */
  readonly table?: string;
  readonly name: string;
  /** Of objects. */
  readonly kind?: string;
}
export interface PlannedChange extends Planned {
  /** Deleted and made again in the same transaction, with all that refers to it: the kernel changes it in no other way. False: changed in place. */
  readonly anew: boolean;
  /** The attributes that differ. */
  readonly differs: readonly string[];
}
export interface PlannedParts {
  readonly added: readonly Planned[];
  readonly removed: readonly Planned[];
  readonly changed: readonly PlannedChange[];
}

export interface NftPlan extends NftSyncReport {
  /** Nothing has to be done. */
  readonly empty: boolean;
  /** False where so many rules are alike that fewer could be touched: see docs/sync.md. */
  readonly minimal: boolean;
  readonly tables: PlannedParts;
  readonly chains: PlannedParts;
  /** Sets and maps, by their definitions; of elements there are the numbers. */
  readonly sets: PlannedParts;
  readonly objects: PlannedParts;
  /** The difference: a rule is a line of bytecode. */
  toString(): string;
  /** Does it. Where the tables have changed since, the plan is made anew: what it reports is what was done. */
  apply(o?: CallOptions): Promise<NftSyncReport>;
  applySync(): NftSyncReport;
}

export function reportOf({ plan, generation, retries }: Committed<RulesetPlan>): NftSyncReport {
  return { ...countsOf(plan.tables), generation: generation ?? plan.generation, retries };
}

function countsOf(tables: readonly TablePlan[]): Omit<NftSyncReport, 'generation' | 'retries'> {
  const sum = (of: (table: TablePlan) => number): number => tables.reduce((total, table) => total + of(table), 0);
  const elements = (of: (set: TablePlan['sets'][number]['elements']) => number): number =>
    sum(({ sets }) => sets.reduce((total, set) => total + of(set.elements), 0));
  return {
    added: sum((t) => t.added),
    removed: sum((t) => t.removed),
    moved: sum((t) => t.moved),
    kept: sum((t) => t.kept),
    elements: {
      added: elements((e) => e.added.length),
      removed: elements((e) => e.removed.length),
      refreshed: elements((e) => e.refreshed.length),
      kept: elements((e) => e.kept),
    },
  };
}

function partsOf(list: readonly { readonly planned: Planned; readonly part: Part<unknown> }[]): PlannedParts {
  const of = (wanted: (part: Part<unknown>) => boolean): Planned[] => list.filter(({ part }) => wanted(part)).map(({ planned }) => planned);
  return {
    added: of((part) => isMade(part) && !isGone(part)),
    removed: of((part) => isGone(part) && !isMade(part)),
    changed: list
      .filter(({ part: { how } }) => how === 'anew' || how === 'change')
      .map(({ planned, part: { how, why } }) => ({ ...planned, anew: how === 'anew', differs: why })),
  };
}

export class SyncPlan implements NftPlan {
  readonly added: number;
  readonly removed: number;
  readonly moved: number;
  readonly kept: number;
  readonly elements: ElementCounts;
  readonly generation: number;
  readonly retries = 0;
  readonly empty: boolean;
  readonly minimal: boolean;
  readonly #connection: Connection;
  readonly #reconciler: Reconciler;
  readonly #plan: RulesetPlan;

  constructor(connection: Connection, reconciler: Reconciler, plan: RulesetPlan) {
    this.#connection = connection;
    this.#reconciler = reconciler;
    this.#plan = plan;
    const counts = countsOf(plan.tables);
    this.added = counts.added;
    this.removed = counts.removed;
    this.moved = counts.moved;
    this.kept = counts.kept;
    this.elements = counts.elements;
    this.generation = plan.generation;
    this.empty = plan.empty;
    this.minimal = plan.tables.every((t) => t.minimal);
  }

  get tables(): PlannedParts {
    return partsOf(this.#plan.tables.map((part) => ({ planned: { family: part.family, name: part.name }, part })));
  }
  get chains(): PlannedParts {
    return this.#of((t) => t.chains);
  }
  get sets(): PlannedParts {
    return this.#of((t) => t.sets);
  }
  get objects(): PlannedParts {
    return this.#of(
      (t) => t.objects,
      ({ was, will }) => ({ kind: String((will ?? was)?.kind) }),
    );
  }

  #of<P extends Part<unknown>>(list: (table: TablePlan) => readonly P[], more: (part: P) => object = () => ({})): PlannedParts {
    return partsOf(
      this.#plan.tables.flatMap((table) =>
        list(table).map((part) => ({ planned: { family: table.family, table: table.name, name: part.name, ...more(part) }, part })),
      ),
    );
  }

  toString(): string {
    return diffText(this.#plan.tables);
  }

  async apply(o?: CallOptions): Promise<NftSyncReport> {
    return reportOf(await this.#connection.runAsync('apply', () => this.#reconciler.carryOut(this.#plan), o, true));
  }
  applySync(): NftSyncReport {
    return reportOf(this.#connection.runSync('apply', () => this.#reconciler.carryOut(this.#plan), true));
  }
}
