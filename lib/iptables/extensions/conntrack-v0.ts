// Revision 0 of -m conntrack (libxt_conntrack.c, struct xt_conntrack_info of kernels before 2.6.32), and the flags all revisions share.
import { isNot, type Not, type Revision, ValueError } from './codec.ts';
import { type State, type Status, stateTable, statusTable } from './conntrack-states.ts';
import { readMasked, writeMasked } from './masked-address.ts';
import { type NumberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, onlyBits, type Reading, withNot } from './option-values.ts';
import { Struct } from './struct.ts';
import { bitsOf, wordsOfBits } from './words-of-bits.ts';

/** XT_CONNTRACK_*. */
export const STATE = 1 << 0;
export const PROTO = 1 << 1;
export const STATUS = 1 << 6;
export const EXPIRES = 1 << 7;
export const addresses = [
  { key: 'ctorigsrc', flag: 1 << 2 },
  { key: 'ctorigdst', flag: 1 << 3 },
  { key: 'ctreplsrc', flag: 1 << 4 },
  { key: 'ctrepldst', flag: 1 << 5 },
] as const;
export const STATE_BITS = bitsOf(
  stateTable,
  stateTable.map(({ word }) => word),
);
export const STATUS_BITS = bitsOf(
  statusTable,
  statusTable.map(({ word }) => word),
);

/**
 * unsigned int statemask, statusmask; two tuples { __be32 src; __u16; __be32 dst; __u16, protonum }; struct in_addr sipmsk[2], dipmsk[2];
 * unsigned long expires_min, expires_max; __u8 flags, invflags.
 */
const STATE_MASK = 0;
const STATUS_MASK = 4;
const PROTO_NUMBER = 22;
/** Of each address, and of its mask. */
const places = [
  { at: 8, mask: 40 },
  { at: 16, mask: 48 },
  { at: 24, mask: 44 },
  { at: 32, mask: 52 },
] as const;
const EXPIRES_MIN = 56;
const EXPIRES_MAX = 64;
const FLAGS = 72;
const INVERT_FLAGS = 73;

interface Options {
  readonly ctstate?: Not<readonly State[]>;
  readonly ctproto?: Not<number>;
  readonly ctorigsrc?: Not<string>;
  readonly ctorigdst?: Not<string>;
  readonly ctreplsrc?: Not<string>;
  readonly ctrepldst?: Not<string>;
  readonly ctstatus?: Not<readonly Status[]>;
  readonly ctexpire?: Not<NumberRange>;
}
/** The options it has. */
const flags = [
  { key: 'ctstate', flag: STATE },
  { key: 'ctproto', flag: PROTO },
  ...addresses,
  { key: 'ctstatus', flag: STATUS },
  { key: 'ctexpire', flag: EXPIRES },
] as const;

export const conntrack0: Revision<Options> = {
  revision: 0,
  family: 'ip',
  size: 80,
  can: (o) => Object.keys(o).every((key) => key === 'name' || flags.some((f) => f.key === key)),
  write: (o, s) => {
    let given = 0;
    let inverted = 0;
    for (const { key, flag } of flags) {
      if (o[key] !== undefined) given |= flag;
      if (isNot(o[key])) inverted |= flag;
    }
    s.setU8(FLAGS, given);
    s.setU8(INVERT_FLAGS, inverted);
    if (o.ctstate !== undefined) s.setU32(STATE_MASK, bitsOf(stateTable, bare(o.ctstate)));
    if (o.ctstatus !== undefined) s.setU32(STATUS_MASK, bitsOf(statusTable, bare(o.ctstatus)));
    if (o.ctproto !== undefined) s.setU16(PROTO_NUMBER, bare(o.ctproto));
    for (const [i, { key }] of addresses.entries()) {
      const text = o[key];
      const { at, mask } = places[i] as (typeof places)[number];
      if (text === undefined) continue;
      const pair = new Struct(new Uint8Array(32));
      writeMasked(pair, 0, 16, bare(text), 'ip');
      s.set(at, pair.copy(0, 4));
      s.set(mask, pair.copy(16, 4));
    }
    if (o.ctexpire !== undefined) {
      const [min, max] = rangeEnds(bare(o.ctexpire));
      s.setU64(EXPIRES_MIN, BigInt(min));
      s.setU64(EXPIRES_MAX, BigInt(max));
    }
  },
  read: (s) => {
    const given = s.u8(FLAGS);
    if (given === 0 || ((given & STATE) !== 0 && s.u32(STATE_MASK) === 0)) throw new ValueError('no state is asked for, nor anything else');
    const inverted = s.u8(INVERT_FLAGS);
    const out: Reading<Options> = {};
    const not = <T>(value: T, flag: number): Not<T> => withNot(value, (inverted & flag) !== 0);
    if ((given & STATE) !== 0) out.ctstate = not(wordsOfBits(stateTable, onlyBits(s.u32(STATE_MASK), STATE_BITS, 'state')), STATE);
    if ((given & PROTO) !== 0) out.ctproto = not(onlyBits(s.u16(PROTO_NUMBER), 0xff, 'the protocol'), PROTO);
    for (const [i, { key, flag }] of addresses.entries()) {
      const { at, mask } = places[i] as (typeof places)[number];
      if ((given & flag) !== 0) out[key] = not(readMasked(s, at, mask, 'ip'), flag);
    }
    if ((given & STATUS) !== 0) out.ctstatus = not(wordsOfBits(statusTable, onlyBits(s.u32(STATUS_MASK), STATUS_BITS, 'status')), STATUS);
    if ((given & EXPIRES) !== 0) {
      // The upper half of an unsigned long.
      onlyBits(s.u32(EXPIRES_MIN + 4) | s.u32(EXPIRES_MAX + 4), 0, 'time');
      out.ctexpire = not(rangeOf(s.u32(EXPIRES_MIN), s.u32(EXPIRES_MAX)), EXPIRES);
    }
    return out;
  },
};
