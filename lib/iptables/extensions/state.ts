// -m state: the conntrack match with only its state (libxt_conntrack.c, state_mt_reg; linux/netfilter/xt_conntrack.h). A flag the
// kernel doesn't look at, XT_CONNTRACK_STATE_ALIAS, keeps the name it was written with.
import { isNot, type ListContext, match, notOption, type OptionsOf, type Revision, ValueError } from './codec.ts';
import { matchFlags, STATE_ALIAS } from './conntrack.ts';
import { type PlainState, plainStates, plainStateTable } from './conntrack-states.ts';
import { listed } from './listed.ts';
import { bare, mandatory, onlyBits, withNot } from './option-values.ts';
import { bitsOf, wordsOfBits } from './words-of-bits.ts';

const options = { state: notOption(plainStates) } as const;

const STATE = 1 << 0;
const MATCH_FLAGS = 146;
const INVERT_FLAGS = 148;
const STATE_MASK = 150;

type Options = OptionsOf<typeof options>;
const STATE_BITS = bitsOf(
  plainStateTable,
  plainStateTable.map(({ word }) => word),
);
const stateBits = (o: Options): number => (o.state === undefined ? 0 : bitsOf(plainStateTable, bare(o.state)));
function words(bits: number): readonly PlainState[] {
  if (bits === 0) throw new ValueError('no state is asked for');
  return wordsOfBits(plainStateTable, onlyBits(bits, STATE_BITS, 'state'));
}

/** The revisions of struct xt_conntrack_mtinfo have the fields used here at the same places; the first has one byte for the states. */
function layout(revision: 1 | 2 | 3, size: number): Revision<Options> {
  const narrow = revision === 1;
  return {
    revision,
    size,
    can: (o) => !narrow || stateBits(o) <= 0xff,
    write: (o, s) => {
      s.setU16(MATCH_FLAGS, STATE | STATE_ALIAS);
      s.setU16(INVERT_FLAGS, isNot(o.state) ? STATE : 0);
      if (narrow) s.setU8(STATE_MASK, stateBits(o));
      else s.setU16(STATE_MASK, stateBits(o));
    },
    read: (s) => ({
      state: withNot(words(narrow ? s.u8(STATE_MASK) : s.u16(STATE_MASK)), (s.u16(INVERT_FLAGS) & STATE) !== 0),
    }),
  };
}

const list = (o: Options, c: ListContext): string => listed(options, o, c);
const finish = (o: Options): Options => {
  mandatory(o, 'state');
  return o;
};

export const state = match('state', {
  kernelName: 'conntrack',
  options,
  revisions: [layout(1, 152), layout(2, 156), layout(3, 164)],
  claims: (s, revision) => revision >= 1 && matchFlags(s) === (STATE | STATE_ALIAS),
  list,
  finish,
});

/**
 * The kernel's own match of this name, struct xt_state_info of linux/netfilter/xt_state.h. It is read; written is always the other, which
 * must stand before it in the registry.
 */
export const stateOfKernel = match('state', {
  options,
  revisions: [
    {
      // unsigned int statemask, inverted by saying the others
      revision: 0,
      size: 4,
      write: (o, s) => {
        const bits = stateBits(o);
        s.setU32(0, isNot(o.state) ? ~bits >>> 0 : bits);
      },
      read: (s) => {
        const bits = s.u32(0);
        // Inverted all bits above the states are set.
        return { state: bits > 0x7fffffff ? { not: words(~bits) } : words(bits) };
      },
    },
  ],
  list,
  finish,
});
