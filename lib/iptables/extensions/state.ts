// -m state: the conntrack match with only its state (libxt_conntrack.c, state_mt_reg; linux/netfilter/xt_conntrack.h). A flag the
// kernel doesn't look at, XT_CONNTRACK_STATE_ALIAS, keeps the name it was written with.
import { isNot, match, notOption, type OptionsOf, type Revision, ValueError } from './codec.ts';
import { matchFlags, STATE_ALIAS } from './conntrack.ts';
import { plainStates, plainStateTable } from './conntrack-states.ts';
import { listed } from './listed.ts';
import { bare, withNot } from './option-values.ts';
import { bitsOf, wordsOfBits } from './words-of-bits.ts';

const options = { state: notOption(plainStates) } as const;

const STATE = 1 << 0;
const MATCH_FLAGS = 146;
const INVERT_FLAGS = 148;
const STATE_MASK = 150;

/** Revisions 2 and 3 of struct xt_conntrack_mtinfo have the fields used here at the same places. */
function layout(revision: 2 | 3, size: number): Revision<OptionsOf<typeof options>> {
  return {
    revision,
    size,
    write: (o, s) => {
      if (o.state === undefined) return;
      s.setU16(MATCH_FLAGS, STATE | STATE_ALIAS);
      s.setU16(INVERT_FLAGS, isNot(o.state) ? STATE : 0);
      s.setU16(STATE_MASK, bitsOf(plainStateTable, bare(o.state)));
    },
    read: (s) => ({ state: withNot(wordsOfBits(plainStateTable, s.u16(STATE_MASK)), (s.u16(INVERT_FLAGS) & STATE) !== 0) }),
  };
}

export const state = match('state', {
  kernelName: 'conntrack',
  options,
  revisions: [layout(2, 156), layout(3, 164)],
  claims: (s, revision) => revision >= 2 && matchFlags(s) === (STATE | STATE_ALIAS),
  list: (o, c) => listed(options, o, c),
  finish: (o) => {
    if (o.state === undefined) throw new ValueError('option "--state" must be specified');
    return o;
  },
});
