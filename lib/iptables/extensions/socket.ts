// -m socket (linux/netfilter/xt_socket.h; libxt_socket.c).
import { flag, match, type OptionsOf, type Revision } from './codec.ts';
import { listed } from './listed.ts';
import { onlyBits, type Reading } from './option-values.ts';

const options = { transparent: flag(), nowildcard: flag(), 'restore-skmark': flag() } as const;
type Options = OptionsOf<typeof options>;

const TRANSPARENT = 1;
const NOWILDCARD = 2;
const RESTORESKMARK = 4;

function flagsOf(o: Options): number {
  return (
    (o.transparent === true ? TRANSPARENT : 0) | (o.nowildcard === true ? NOWILDCARD : 0) | (o.restoreSkmark === true ? RESTORESKMARK : 0)
  );
}

function optionsOf(flags: number): Options {
  const out: Reading<Options> = {};
  if ((flags & TRANSPARENT) !== 0) out.transparent = true;
  if ((flags & NOWILDCARD) !== 0) out.nowildcard = true;
  if ((flags & RESTORESKMARK) !== 0) out.restoreSkmark = true;
  return out;
}

/** struct xt_socket_mtinfo1..3: __u8 flags, of which each revision knows one more. */
function withFlags(revision: 1 | 2 | 3, known: number): Revision<Options> {
  return {
    revision,
    size: 1,
    can: (o) => (flagsOf(o) & ~known) === 0,
    write: (o, s) => s.setU8(0, flagsOf(o)),
    read: (s) => optionsOf(onlyBits(s.u8(0), known, 'flags')),
  };
}

export const socket = match('socket', {
  options,
  revisions: [
    { revision: 0, family: 'ip', size: 0, can: (o) => flagsOf(o) === 0, write: () => {}, read: () => ({}) },
    withFlags(1, TRANSPARENT),
    withFlags(2, TRANSPARENT | NOWILDCARD),
    withFlags(3, TRANSPARENT | NOWILDCARD | RESTORESKMARK),
  ],
  list: (o, c) => ` socket${listed(options, o, c, { prefix: '--' })}`,
});
