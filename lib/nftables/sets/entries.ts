// Elements on their way between what a user writes and attributes: keys are the kernel's bytes, ranges are [low, high].
import type { Named } from '../batch.ts';
import type { ElementAttributes } from '../objects/element.ts';
import type { Interval } from './intervals.ts';

/** Everything of an element but its key. */
export type EntryRest = Omit<ElementAttributes, 'key' | 'keyEnd' | 'flags'>;

export interface Entry extends Interval {
  readonly rest: EntryRest;
  /** Place in the user's list; -1 for one that the kernel holds. */
  readonly index: number;
  /** The operation of that list, where another writes it (auto-merge). */
  readonly owner?: Named;
}

/** The `*` element. */
export interface CatchAll {
  readonly rest: EntryRest;
  readonly index: number;
}
