// -m conntrack (linux/netfilter/xt_conntrack.h, struct xt_conntrack_mtinfo1..3; libxt_conntrack.c).
import { protocol } from '../rule/protocols.ts';
import { type BytesContext, isNot, match, type Not, notOption, type OptionsOf, option, type Revision, ValueError } from './codec.ts';
import { direction, states, stateTable, statuses, statusTable, UNTRACKED } from './conntrack-states.ts';
import { addresses, conntrack0, EXPIRES, PROTO, STATE, STATE_BITS, STATUS, STATUS_BITS } from './conntrack-v0.ts';
import { listed } from './listed.ts';
import { isUnspecified, maskedAddress, readMasked, writeMasked } from './masked-address.ts';
import { numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, onlyBits, type Reading, withNot } from './option-values.ts';
import { firstPort, lastPort, type Ports, plainPorts, portRange } from './ports.ts';
import type { Struct } from './struct.ts';
import { bitsOf, wordsOfBits } from './words-of-bits.ts';

const U32_MAX = 0xffffffff;

const options = {
  ctstate: notOption(states),
  ctproto: notOption(protocol),
  ctorigsrc: notOption(maskedAddress),
  ctorigdst: notOption(maskedAddress),
  ctreplsrc: notOption(maskedAddress),
  ctrepldst: notOption(maskedAddress),
  ctorigsrcport: notOption(plainPorts),
  ctorigdstport: notOption(plainPorts),
  ctreplsrcport: notOption(plainPorts),
  ctrepldstport: notOption(plainPorts),
  ctstatus: notOption(statuses),
  ctexpire: notOption(numberRange(U32_MAX)),
  ctdir: option(direction),
} as const;
type Options = OptionsOf<typeof options>;

const DIRECTION = 1 << 12;
export const STATE_ALIAS = 1 << 13;
/** All of XT_CONNTRACK_*. */
const KNOWN = 0x3fff;
/**
 * Addresses lie 32 bytes apart from 0, each with its mask 16 bytes behind it. Ports from 138, and the ends of their ranges from 154
 * (revision 3), in this order.
 */
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

/** What the revisions have alike: all but the ports. Revision 1 has __u8 state_mask, status_mask, the others __u16. */
function writeCommon(revision: 1 | 2 | 3, o: Options, s: Struct, c: BytesContext): void {
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
    writeMasked(s, 32 * i, 32 * i + 16, bare(value), c.family);
  }
  for (const { key, flag } of portFields) if (o[key] !== undefined) add(o[key], flag);
  if (o.ctstatus !== undefined) add(o.ctstatus, STATUS);
  if (o.ctexpire !== undefined) {
    add(o.ctexpire, EXPIRES);
    const [min, max] = rangeEnds(bare(o.ctexpire));
    s.setU32(EXPIRES_MIN, min);
    s.setU32(EXPIRES_MAX, max);
  }
  // The direction's inversion is how REPLY is said.
  if (o.ctdir !== undefined) flags |= DIRECTION;
  if (o.ctdir === 'REPLY') inverted |= DIRECTION;
  s.setU16(MATCH_FLAGS, flags);
  s.setU16(INVERT_FLAGS, inverted);
  if (revision === 1) {
    s.setU8(MASKS, stateBits(o));
    s.setU8(MASKS + 1, statusBits(o));
  } else {
    s.setU16(MASKS, stateBits(o));
    s.setU16(MASKS + 2, statusBits(o));
  }
}

function writePorts(o: Options, set: (i: number, ports: Ports) => void): void {
  for (const [i, { key }] of portFields.entries()) {
    const value = o[key];
    if (value !== undefined) set(i, bare(value));
  }
}

function read(revision: 1 | 2 | 3, s: Struct, c: BytesContext, portsOf: (i: number) => Ports): Options {
  const [stateBits, statusBits] = revision === 1 ? [s.u8(MASKS), s.u8(MASKS + 1)] : [s.u16(MASKS), s.u16(MASKS + 2)];
  const flags = onlyBits(s.u16(MATCH_FLAGS), KNOWN, 'flags');
  if ((flags & ~STATE_ALIAS) === 0 || ((flags & STATE) !== 0 && stateBits === 0))
    throw new ValueError('no state is asked for, nor anything else');
  const inverted = s.u16(INVERT_FLAGS);
  const out: Reading<Options> = {};
  if ((flags & STATE) !== 0)
    out.ctstate = withNot(wordsOfBits(stateTable, onlyBits(stateBits, STATE_BITS, 'state')), (inverted & STATE) !== 0);
  if ((flags & PROTO) !== 0) out.ctproto = withNot(onlyBits(s.u16(L4PROTO), 0xff, 'the protocol'), (inverted & PROTO) !== 0);
  for (const [i, { key, flag }] of addresses.entries()) {
    if ((flags & flag) === 0) continue;
    out[key] = withNot(readMasked(s, 32 * i, 32 * i + 16, c.family), (inverted & flag) !== 0);
  }
  for (const [i, { key, flag }] of portFields.entries()) {
    if ((flags & flag) !== 0) out[key] = withNot(portsOf(i), (inverted & flag) !== 0);
  }
  if ((flags & STATUS) !== 0)
    out.ctstatus = withNot(wordsOfBits(statusTable, onlyBits(statusBits, STATUS_BITS, 'status')), (inverted & STATUS) !== 0);
  if ((flags & EXPIRES) !== 0) {
    out.ctexpire = withNot(rangeOf(s.u32(EXPIRES_MIN), s.u32(EXPIRES_MAX)), (inverted & EXPIRES) !== 0);
  }
  if ((flags & DIRECTION) !== 0) out.ctdir = (inverted & DIRECTION) !== 0 ? 'REPLY' : 'ORIGINAL';
  return out;
}

const stateBits = (o: Options): number => (o.ctstate === undefined ? 0 : bitsOf(stateTable, bare(o.ctstate)));
const statusBits = (o: Options): number => (o.ctstatus === undefined ? 0 : bitsOf(statusTable, bare(o.ctstatus)));
const singlePorts = (o: Options): boolean => portFields.every(({ key }) => o[key] === undefined || typeof bare(o[key]) === 'number');

/** Ports in network order. */
const singles = (revision: 1 | 2, size: number): Revision<Options> => ({
  revision,
  size,
  can: (o) => singlePorts(o) && (revision > 1 || stateBits(o) < UNTRACKED),
  write: (o, s, c) => {
    writeCommon(revision, o, s, c);
    writePorts(o, (i, port) => s.setBe16(PORTS + 2 * i, firstPort(port)));
  },
  read: (s, c) => read(revision, s, c, (i) => s.be16(PORTS + 2 * i)),
});
const layouts: readonly Revision<Options>[] = [
  singles(1, 152),
  singles(2, 156),
  {
    // Ports in host order with the ends of their ranges
    revision: 3,
    size: 164,
    write: (o, s, c) => {
      writeCommon(3, o, s, c);
      writePorts(o, (i, port) => {
        s.setU16(PORTS + 2 * i, firstPort(port));
        s.setU16(PORTS_HIGH + 2 * i, lastPort(port));
      });
    },
    read: (s, c) => read(3, s, c, (i) => portRange(s.u16(PORTS + 2 * i), s.u16(PORTS_HIGH + 2 * i))),
  },
];

/** Of an IPv4 address and mask the kernel looks at 4 bytes. */
function canonicalIpv4(s: Struct): void {
  for (let at = 0; at < EXPIRES_MIN; at += 16) s.bytes.fill(0, at + 4, at + 16);
}

export const conntrack = match('conntrack', {
  options,
  revisions: [
    conntrack0,
    ...layouts.flatMap((layout): Revision<Options>[] => [
      { ...layout, family: 'ip', canonical: canonicalIpv4 },
      { ...layout, family: 'ip6' },
    ]),
  ],
  list: (o, c) =>
    listed(options, o, c, {
      show: (key, value) => (!c.numeric && addresses.some((a) => a.key === key) && isUnspecified(value as string) ? 'anywhere' : undefined),
    }),
  finish: (o) => {
    for (const key of Object.keys(o)) if (key !== 'name') return o;
    throw new ValueError('At least one option is required');
  },
});
