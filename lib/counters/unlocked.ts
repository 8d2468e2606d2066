// Read without the lock, legacy counters may have met somebody's commit between its rules and their counters: what went back, or belongs to other
// rules, is left to the next poll, which tells.
import { wentBack } from './arithmetic.ts';
import type { RuleCounters } from './rows.ts';

/** A holder that never lets go of the lock does not hold up counts for ever. */
const UNSURE_POLLS = 3;

export class UnlockedPolls {
  #unsure = 0;

  /** Whether to wait for the next poll before `later` is compared with `earlier`. Asked once for each poll. */
  isUnsure(earlier: RuleCounters | undefined, later: RuleCounters): boolean {
    if (later.unlocked === true && earlier !== undefined && isDoubtful(earlier, later) && ++this.#unsure < UNSURE_POLLS) return true;
    this.#unsure = 0;
    return false;
  }
}

function isDoubtful(earlier: RuleCounters, later: RuleCounters): boolean {
  const [was, is] = [earlier.structure, later.structure];
  if (was !== is && (was.length !== is.length || was.contents.some((content, row) => content !== is.contents[row]))) return true;
  return wentBack(earlier.packets, later.packets) || wentBack(earlier.bytes, later.bytes);
}
