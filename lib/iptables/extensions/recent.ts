// -m recent (linux/netfilter/xt_recent.h; libxt_recent.c).
import { encodeText } from '../../wire/text.ts';
import { flag, type IpFamily, isNot, match, notFlag, type OptionsOf, option, type Revision, type Value, ValueError } from './codec.ts';
import { endedText, exclusive, onlyBits, type Reading, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { formatAddress, name, parseAddress, unsigned } from './values.ts';

/** XT_RECENT_NAME_LEN. */
const NAME_SIZE = 200;
const DEFAULT = 'DEFAULT';

const mask: Value<string> = {
  parse: ([word], c) => {
    const bytes = parseAddress(c.family, word as string);
    if (bytes === undefined) throw new ValueError(`"${word}" is no ${c.family} address mask`);
    return formatAddress(c.family, bytes);
  },
  format: (v) => [v],
};

/** In the order the save commands print. */
const options = {
  set: notFlag(),
  rcheck: notFlag(),
  update: notFlag(),
  remove: notFlag(),
  seconds: option(unsigned(0xffffffff, 1)),
  reap: flag(),
  hitcount: option(unsigned(0xffffffff)),
  rttl: flag(),
  name: option(name(NAME_SIZE - 1)),
  mask: option(mask),
  rsource: flag(),
  rdest: flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** XT_RECENT_*. */
const operations = [
  { key: 'set', word: 'SET', flag: 0x02 },
  { key: 'rcheck', word: 'CHECK', flag: 0x01 },
  { key: 'update', word: 'UPDATE', flag: 0x04 },
  { key: 'remove', word: 'REMOVE', flag: 0x08 },
] as const;
const TTL = 0x10;
const REAP = 0x20;

const SECONDS = 0;
const HIT_COUNT = 4;
const CHECK_SET = 8;
const INVERT = 9;
const NAME = 10;
const SIDE = 210;
const MASK = 212;
const MASK_SIZE = 16;

function write(o: Options, s: Struct): void {
  s.setU32(SECONDS, o.seconds ?? 0);
  s.setU32(HIT_COUNT, o.hitcount ?? 0);
  let flags = (o.rttl === true ? TTL : 0) | (o.reap === true ? REAP : 0);
  for (const { key, flag } of operations) {
    if (o[key] === undefined) continue;
    flags |= flag;
    s.setU8(INVERT, isNot(o[key]) ? 1 : 0);
  }
  s.setU8(CHECK_SET, flags);
  // libxt_recent copies the name over DEFAULT and leaves what is behind it: `iptables -D` compares these bytes too.
  s.setText(NAME, NAME_SIZE, DEFAULT);
  const bytes = encodeText(o.listName ?? DEFAULT);
  s.setText(NAME, NAME_SIZE, o.listName ?? DEFAULT);
  s.setU8(NAME + bytes.length, 0);
  s.setU8(SIDE, o.rdest === true ? 1 : 0);
}

function read(s: Struct): Reading<Options> {
  const out: Reading<Options> = {};
  const flags = onlyBits(s.u8(CHECK_SET), 0x3f, 'flags');
  if (operations.filter(({ flag }) => (flags & flag) !== 0).length !== 1) throw new ValueError(`no options stand for flags ${flags}`);
  for (const { key, flag } of operations) if ((flags & flag) !== 0) out[key] = withNot(true as const, s.u8(INVERT) !== 0);
  if (s.u32(SECONDS) !== 0) out.seconds = s.u32(SECONDS);
  if ((flags & REAP) !== 0) out.reap = true;
  if (s.u32(HIT_COUNT) !== 0) out.hitcount = s.u32(HIT_COUNT);
  if ((flags & TTL) !== 0) out.rttl = true;
  out.listName = endedText(s, NAME, NAME_SIZE);
  checkTogether(out);
  return out;
}
function checkTogether(o: Options): void {
  if (o.reap === true && o.seconds === undefined) throw new ValueError('option "--reap" also requires "--seconds"');
  for (const key of ['set', 'remove'] as const) exclusive(o, 'rttl', key);
}

function side(s: Struct): Options {
  return onlyBits(s.u8(SIDE), 1, 'the side') === 1 ? { rdest: true } : { rsource: true };
}

/**
 * struct xt_recent_mtinfo_v1: and union nf_inet_addr mask. Of an IPv4 mask the real tools fill 4 bytes where --mask is given and all 16
 * where it isn't, and their -C and -D compare all; the kernel looks at 4.
 */
function withMask(family: IpFamily): Revision<Options> {
  return {
    revision: 1,
    family,
    size: 228,
    write: (o, s) => {
      write(o, s);
      const given = o.mask === undefined ? undefined : parseAddress(family, o.mask);
      if (given === undefined) s.bytes.fill(0xff, MASK, MASK + MASK_SIZE);
      else s.set(MASK, given);
    },
    read: (s) => {
      const whole = s.copy(MASK, MASK_SIZE).every((byte) => byte === 0xff);
      return { ...read(s), ...(whole ? {} : { mask: formatAddress(family, s.bytes, MASK) }), ...side(s) };
    },
    ...(family === 'ip' ? { canonical: (s: Struct) => void s.bytes.fill(0, MASK + 4, MASK + MASK_SIZE) } : {}),
  };
}

function allOnes(family: IpFamily): string {
  return family === 'ip' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
}

export const recent = match('recent', {
  options,
  revisions: [
    {
      // struct xt_recent_mtinfo: __u32 seconds, hit_count; __u8 check_set, invert; char name[200]; __u8 side
      revision: 0,
      size: 212,
      can: (o) => o.mask === undefined || o.mask === allOnes('ip') || o.mask === allOnes('ip6'),
      write,
      read: (s) => ({ ...read(s), ...side(s) }),
    },
    withMask('ip'),
    withMask('ip6'),
  ],
  shown: (o, c) => ({ ...o, mask: o.mask ?? allOnes(c.family) }),
  list: (o, c) => {
    const { key, word } = operations.find(({ key }) => o[key] !== undefined) ?? operations[0];
    const words = [`recent: ${word}`];
    if (o.seconds !== undefined) words.push(`seconds: ${o.seconds}`);
    if (o.reap === true) words.push('reap');
    if (o.hitcount !== undefined) words.push(`hit_count: ${o.hitcount}`);
    if (o.rttl === true) words.push('TTL-Match');
    if (o.listName !== undefined) words.push(`name: ${o.listName}`);
    words.push(`side: ${o.rdest === true ? 'dest' : 'source'}`, `mask: ${o.mask ?? allOnes(c.family)}`);
    return `${isNot(o[key]) ? ' !' : ''} ${words.join(' ')}`;
  },
  finish: (o, c) => {
    const [first, second] = operations.filter(({ key }) => o[key] !== undefined);
    if (first === undefined) throw new ValueError("you must specify one of `--set', `--rcheck' `--update' or `--remove'");
    if (second !== undefined) exclusive(o, first.key, second.key);
    checkTogether(o);
    const { rsource: _rsource, rdest: _rdest, hitcount, mask, ...rest } = o;
    // The later of both counts.
    const rdest = Object.keys(o).findLast((key) => key === 'rsource' || key === 'rdest') === 'rdest';
    return {
      listName: DEFAULT,
      ...rest,
      // Of IPv6 a mask of ones is what is there without one.
      ...(mask === undefined || (c.family === 'ip6' && mask === allOnes('ip6')) ? {} : { mask }),
      ...(hitcount === undefined || hitcount === 0 ? {} : { hitcount }),
      ...(rdest ? ({ rdest: true } as const) : ({ rsource: true } as const)),
    };
  },
});
