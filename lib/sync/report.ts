// What a sync tells of rules, whatever they are written in.

export interface Counts {
  readonly added: number;
  readonly removed: number;
  readonly moved: number;
  readonly kept: number;
}

export interface SyncReport extends Counts {
  /** That the tables were in afterwards, where the kernel tells; nf_tables only. */
  readonly generation?: number;
  /** How often somebody else's commit came in between. */
  readonly retries: number;
}
