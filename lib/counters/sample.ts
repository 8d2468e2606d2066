// What watchCounters hands out.
import type { NetfilterError } from '../errors.ts';
import type { CounterSnapshot } from '../model/ruleset.ts';
import type { RuleDelta } from './deltas.ts';

export interface CounterSample {
  /** Absent where the poll failed. */
  readonly snapshot?: CounterSnapshot;
  /** Why the poll failed: the table or the namespace is gone, a permission lacks. The next poll is tried all the same. */
  readonly error?: NetfilterError;
  /** Milliseconds since the poll before; 0 with the first. */
  readonly elapsedMs: number;
  /** Milliseconds that the poll took. */
  readonly pollMs: number;
  /** Polls left out before this one: they would have been late, or nobody had taken the sample before. */
  readonly skipped: number;
  /**
   * What every rule that counts has counted since the last sample that was not deferred; empty with the first. Made as it is iterated. Rates are over that
   * time, `elapsedMs` is not where samples were deferred.
   */
  readonly deltas: Iterable<RuleDelta>;
  /**
   * The deltas are put off to the next sample: the poll met a restore of this connection, or a legacy commit of somebody who held the lock. After 20 samples
   * deferred for restores in a row the comparison begins anew.
   */
  readonly deferred?: true;
}
