// -m conntrack (linux/netfilter/xt_conntrack.h, struct xt_conntrack_mtinfo1..3; libxt_conntrack.c).
import { maskText, networkBytes } from '../rule/addresses.ts';
import { protocolNumber } from '../rule/protocols.ts';
import {
  type BytesContext,
  isNot,
  match,
  type Not,
  notOption,
  type OptionsOf,
  option,
  type ParseContext,
  type Value,
  ValueError,
} from './codec.ts';
import { direction, states, stateTable, statuses, statusTable, UNTRACKED } from './conntrack-states.ts';
import { bare, type Reading, withNot } from './option-values.ts';
import { firstPort, lastPort, type Ports, portRange, ports } from './ports.ts';
import type { Struct } from './struct.ts';
import { formatAddress, parseUnsigned } from './values.ts';
import { bitsOf, wordsOfBits } from './words-of-bits.ts';

/** Seconds, or the first and the last of a range. */
export type Seconds = number | readonly [min: number, max: number];

const U32_MAX = 0xffffffff;
const expiry: Value<Seconds> = {
  parse: ([word]) => {
    const text = word as string;
    const colon = text.indexOf(':');
    const first = colon < 0 ? text : text.slice(0, colon);
    const last = colon < 0 ? first : text.slice(colon + 1);
    const min = colon === 0 ? 0 : parseUnsigned(first, U32_MAX);
    const max = colon >= 0 && last === '' ? U32_MAX : parseUnsigned(last, U32_MAX, min);
    if (min === undefined) throw new ValueError(`"${first}" is out of range (0-${U32_MAX})`);
    if (max === undefined) throw new ValueError(`"${last}" is out of range (${min}-${U32_MAX})`);
    return min === max ? min : [min, max];
  },
  format: (v) => [typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`],
};

const protocol: Value<number> = {
  parse: ([word]) => {
    const number = protocolNumber(word as string);
    if (number === undefined) throw new ValueError(`unknown protocol "${word}" specified`);
    return number;
  },
  format: (n) => [String(n)],
};

/** `address[/mask]`; host bits stay, the kernel compares under the mask. A mask of all bits isn't written. */
const address: Value<string> = {
  parse: ([word], c) => formatMasked(parseMasked(word as string, c), c.family),
  format: (v) => [v],
};

function parseMasked(word: string, c: Pick<ParseContext, 'family'>): ReturnType<typeof networkBytes> {
  const whole = word.includes('/') ? word : `${word}/${c.family === 'ip' ? 32 : 128}`;
  return networkBytes(whole, c.family);
}

function formatMasked(v: ReturnType<typeof networkBytes>, family: ParseContext['family']): string {
  const text = formatAddress(family, v.address);
  return v.mask.every((b) => b === 0xff) ? text : `${text}/${maskText(v.mask, family)}`;
}

const options = {
  ctstate: notOption(states),
  ctproto: notOption(protocol),
  ctorigsrc: notOption(address),
  ctorigdst: notOption(address),
  ctreplsrc: notOption(address),
  ctrepldst: notOption(address),
  ctorigsrcport: notOption(ports),
  ctorigdstport: notOption(ports),
  ctreplsrcport: notOption(ports),
  ctrepldstport: notOption(ports),
  ctstatus: notOption(statuses),
  ctexpire: notOption(expiry),
  ctdir: option(direction),
} as const;
type Options = OptionsOf<typeof options>;

const STATE = 1 << 0;
const PROTO = 1 << 1;
const STATUS = 1 << 6;
const EXPIRES = 1 << 7;
const DIRECTION = 1 << 12;
export const STATE_ALIAS = 1 << 13;
/** Address and mask lie 32 bytes apart, in this order from 0. */
const addresses = [
  { key: 'ctorigsrc', flag: 1 << 2 },
  { key: 'ctorigdst', flag: 1 << 3 },
  { key: 'ctreplsrc', flag: 1 << 4 },
  { key: 'ctrepldst', flag: 1 << 5 },
] as const;
/** Ports from 138, and the ends of their ranges from 154 (revision 3), in this order. */
const portFields = [
  { key: 'ctorigsrcport', flag: 1 << 8 },
  { key: 'ctorigdstport', flag: 1 << 9 },
  { key: 'ctreplsrcport', flag: 1 << 10 },
  { key: 'ctrepldstport', flag: 1 << 11 },
] as const;

const EXPIRES_MIN = 128;
const EXPIRES_MAX = 132;
const L4PROTO = 136;
const PORTS = 138;
const MATCH_FLAGS = 146;
const INVERT_FLAGS = 148;
const MASKS = 150;
const PORTS_HIGH = 154;

export function matchFlags(s: Struct): number {
  return s.u16(MATCH_FLAGS);
}

/** What the revisions have alike: all but the width of the two masks and the ports. */
function writeCommon(o: Options, s: Struct, c: BytesContext): void {
  let flags = 0;
  let inverted = 0;
  const add = (value: Not<unknown>, flag: number): void => {
    flags |= flag;
    if (isNot(value)) inverted |= flag;
  };
  if (o.ctstate !== undefined) add(o.ctstate, STATE);
  if (o.ctproto !== undefined) {
    add(o.ctproto, PROTO);
    s.setU16(L4PROTO, bare(o.ctproto));
  }
  for (const [i, { key, flag }] of addresses.entries()) {
    const value = o[key];
    if (value === undefined) continue;
    add(value, flag);
    const text = bare(value);
    const masked = parseMasked(text, c);
    s.set(32 * i, masked.address);
    // Without a mask the real tools fill all 16 bytes of the union, whatever the family.
    s.set(32 * i + 16, text.includes('/') ? masked.mask : new Uint8Array(16).fill(0xff));
  }
  for (const { key, flag } of portFields) if (o[key] !== undefined) add(o[key], flag);
  if (o.ctstatus !== undefined) add(o.ctstatus, STATUS);
  if (o.ctexpire !== undefined) {
    add(o.ctexpire, EXPIRES);
    const seconds = bare(o.ctexpire);
    s.setU32(EXPIRES_MIN, typeof seconds === 'number' ? seconds : seconds[0]);
    s.setU32(EXPIRES_MAX, typeof seconds === 'number' ? seconds : seconds[1]);
  }
  // The direction's inversion is how REPLY is said.
  if (o.ctdir !== undefined) flags |= DIRECTION;
  if (o.ctdir === 'REPLY') inverted |= DIRECTION;
  s.setU16(MATCH_FLAGS, flags);
  s.setU16(INVERT_FLAGS, inverted);
}

function writePorts(o: Options, set: (i: number, ports: Ports) => void): void {
  for (const [i, { key }] of portFields.entries()) {
    const value = o[key];
    if (value !== undefined) set(i, bare(value));
  }
}

function read(s: Struct, c: BytesContext, stateBits: number, statusBits: number, portsOf: (i: number) => Ports): Options {
  const flags = s.u16(MATCH_FLAGS);
  const inverted = s.u16(INVERT_FLAGS);
  const out: Reading<Options> = {};
  if ((flags & STATE) !== 0) out.ctstate = withNot(wordsOfBits(stateTable, stateBits), (inverted & STATE) !== 0);
  if ((flags & PROTO) !== 0) out.ctproto = withNot(s.u16(L4PROTO), (inverted & PROTO) !== 0);
  const size = c.family === 'ip' ? 4 : 16;
  for (const [i, { key, flag }] of addresses.entries()) {
    if ((flags & flag) === 0) continue;
    const masked = { address: s.copy(32 * i, size), mask: s.copy(32 * i + 16, size) };
    out[key] = withNot(formatMasked(masked, c.family), (inverted & flag) !== 0);
  }
  for (const [i, { key, flag }] of portFields.entries()) {
    if ((flags & flag) !== 0) out[key] = withNot(portsOf(i), (inverted & flag) !== 0);
  }
  if ((flags & STATUS) !== 0) out.ctstatus = withNot(wordsOfBits(statusTable, statusBits), (inverted & STATUS) !== 0);
  if ((flags & EXPIRES) !== 0) {
    const min = s.u32(EXPIRES_MIN);
    const max = s.u32(EXPIRES_MAX);
    out.ctexpire = withNot<Seconds>(min === max ? min : [min, max], (inverted & EXPIRES) !== 0);
  }
  if ((flags & DIRECTION) !== 0) out.ctdir = (inverted & DIRECTION) !== 0 ? 'REPLY' : 'ORIGINAL';
  return out;
}

const stateBits = (o: Options): number => (o.ctstate === undefined ? 0 : bitsOf(stateTable, bare(o.ctstate)));
const statusBits = (o: Options): number => (o.ctstatus === undefined ? 0 : bitsOf(statusTable, bare(o.ctstatus)));
const singlePorts = (o: Options): boolean => portFields.every(({ key }) => o[key] === undefined || typeof bare(o[key]) === 'number');

export const conntrack = match('conntrack', {
  options,
  revisions: [
    {
      // Ports in network order, __u8 state_mask, status_mask
      revision: 1,
      size: 152,
      can: (o) => singlePorts(o) && stateBits(o) < UNTRACKED,
      write: (o, s, c) => {
        writeCommon(o, s, c);
        writePorts(o, (i, port) => s.setBe16(PORTS + 2 * i, firstPort(port)));
        s.setU8(MASKS, stateBits(o));
        s.setU8(MASKS + 1, statusBits(o));
      },
      read: (s, c) => read(s, c, s.u8(MASKS), s.u8(MASKS + 1), (i) => s.be16(PORTS + 2 * i)),
    },
    {
      // Ports in network order, __u16 state_mask, status_mask
      revision: 2,
      size: 156,
      can: singlePorts,
      write: (o, s, c) => {
        writeCommon(o, s, c);
        writePorts(o, (i, port) => s.setBe16(PORTS + 2 * i, firstPort(port)));
        s.setU16(MASKS, stateBits(o));
        s.setU16(MASKS + 2, statusBits(o));
      },
      read: (s, c) => read(s, c, s.u16(MASKS), s.u16(MASKS + 2), (i) => s.be16(PORTS + 2 * i)),
    },
    {
      // Ports in host order with the ends of their ranges, __u16 state_mask, status_mask
      revision: 3,
      size: 164,
      write: (o, s, c) => {
        writeCommon(o, s, c);
        writePorts(o, (i, port) => {
          s.setU16(PORTS + 2 * i, firstPort(port));
          s.setU16(PORTS_HIGH + 2 * i, lastPort(port));
        });
        s.setU16(MASKS, stateBits(o));
        s.setU16(MASKS + 2, statusBits(o));
      },
      read: (s, c) => read(s, c, s.u16(MASKS), s.u16(MASKS + 2), (i) => portRange(s.u16(PORTS + 2 * i), s.u16(PORTS_HIGH + 2 * i))),
    },
  ],
  finish: (o) => {
    for (const key of Object.keys(o)) if (key !== 'name') return o;
    throw new ValueError('At least one option is required');
  },
});
