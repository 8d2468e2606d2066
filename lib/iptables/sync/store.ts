// What a sync needs of a backend.
import type { Verb } from '../../run.ts';
import type { Writer } from '../../sync/commit.ts';
import type { KeyMaker } from './desired-keys.ts';
import type { ChainState, TableState } from './state.ts';
import type { TablePlan } from './table-plan.ts';

/** Tables as they are at one time. */
export interface SyncView<C extends ChainState> {
  readonly generation?: number;
  /** Who has committed last, where the kernel tells. */
  readonly by?: Writer | undefined;
  table(name: string): TableState<C>;
}

export interface SendPlanOptions {
  /** Moved rules begin with what they had counted right before. */
  readonly carryCounters: boolean;
}

export interface SyncStore<C extends ChainState = ChainState, V extends SyncView<C> = SyncView<C>> {
  readonly keys: KeyMaker;
  /** The tables parted into those that one commit changes. */
  groups(tables: readonly string[]): readonly (readonly string[])[];
  look(tables: readonly string[]): Verb<V>;
  /** Does what the plans say, if the tables are as the view has them; ERESTART where they are not. The generation it made, where there is one. */
  send(view: V, plans: readonly TablePlan<C>[], o: SendPlanOptions): Verb<number | undefined>;
}
