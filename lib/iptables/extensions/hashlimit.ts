// -m hashlimit (linux/netfilter/xt_hashlimit.h; libxt_hashlimit.c): a rate for each group of packets, in packets or in bytes.
import { maskText, networkBytes } from '../rule/addresses.ts';
import { byteRate, bytesText, canonicalBytes, isByteRate } from './byte-rate.ts';
import {
  type BytesContext,
  flag,
  type IpFamily,
  isNot,
  match,
  notOption,
  type OptionsOf,
  option,
  type Revision,
  spelling,
  type Value,
  ValueError,
} from './codec.ts';
import { bare, endedText, exclusive, mandatory, type Reading } from './option-values.ts';
import { packetRate, parseRate, rateText } from './packet-rate.ts';
import type { Struct } from './struct.ts';
import { fits, name, parseUnsigned, unsigned } from './values.ts';
import { type BitWord, bitsOf, wordsOfBits } from './words-of-bits.ts';

const U32_MAX = 0xffffffff;
/** XT_HASHLIMIT_SCALE_v2 and XT_HASHLIMIT_SCALE. */
const packets = packetRate(1000000, Number.MAX_SAFE_INTEGER);
const coarsePackets = packetRate(10000, U32_MAX);

/** `10/sec`, `512kb/s`. What it comes to depends on the other options, so here it is only checked. */
const rate: Value<string> = {
  parse: ([word]) => {
    const text = word as string;
    if (isByteRate(text)) byteRate(text);
    else if (text.includes('@')) packets.periodOf(text);
    else parseRate(text);
    return text;
  },
  format: (v) => [rateText(v)],
};

const BURST = 5;
const BURST_MAX = 1000000;
/** XT_HASHLIMIT_BURST_MAX_v1. */
const COARSE_BURST_MAX = 10000;
/** Packets, or bytes with the unit k, kb, m or mb. The real tools take anything for a unit that they don't know. */
const burst: Value<number> = {
  parse: ([word]) => {
    const [, number = '', unit = ''] = /^(.*?)(k?b|mb?|k)?$/.exec(word as string) ?? [];
    // Of 0xb the b is a digit.
    const plain = parseUnsigned(word as string, Number.MAX_SAFE_INTEGER, 1);
    const n =
      plain ??
      (parseUnsigned(number, Number.MAX_SAFE_INTEGER, 1) ?? 0) * (unit.startsWith('m') ? 1048576 : unit.startsWith('k') ? 1024 : 1);
    if (n < 1 || n > Number.MAX_SAFE_INTEGER) throw new ValueError(`bad value, or out of range (1-${BURST_MAX})`);
    return n;
  },
  format: (n) => [String(n)],
};

/** What packets are grouped by. */
export type HashlimitKey = 'srcip' | 'srcport' | 'dstip' | 'dstport';
/** XT_HASHLIMIT_HASH_*, in the order they are printed. */
const modeTable: readonly BitWord<HashlimitKey>[] = [
  { word: 'srcip', bit: 0x04 },
  { word: 'srcport', bit: 0x08 },
  { word: 'dstip', bit: 0x01 },
  { word: 'dstport', bit: 0x02 },
];
const mode: Value<readonly HashlimitKey[]> = {
  parse: ([list]) => {
    // strtok of the real tool skips empty words.
    const words = (list as string).split(',').filter((word) => word !== '');
    const unknown = words.find((word) => modeTable.every((entry) => entry.word !== word));
    if (unknown !== undefined) throw new ValueError(`Bad value: "${unknown}"`);
    return modeTable.map(({ word }) => word).filter((word) => words.includes(word));
  },
  format: (words) => [words.join(',')],
};

/** A prefix length, or a mask without holes. */
const mask: Value<number> = {
  parse: ([word], { family }) => {
    const { mask } = networkBytes(`${family === 'ip' ? '0.0.0.0' : '::'}/${word}`, family);
    const length = maskText(mask, family);
    if (!/^[0-9]+$/.test(length)) throw new ValueError(`neither a valid network mask nor valid CIDR (0-${fullMask(family)})`);
    return Number(length);
  },
  format: (n) => [String(n)],
};
function fullMask(family: IpFamily): number {
  return family === 'ip' ? 32 : 128;
}

const u32 = unsigned(U32_MAX);
const seconds: Value<number> = {
  parse: ([word]) => {
    const n = /^[0-9]+$/.test(word as string) ? Number(word) : 0;
    if (n < 1 || n > 0x7fffffff) throw new ValueError(`Bad value: "${word}"`);
    return n;
  },
  format: (n) => [String(n)],
};

/** Room for a name of revisions 0 and 1 (IFNAMSIZ), and of the others (NAME_MAX). */
const SHORT_NAME = 16;
const NAME_SIZE = 255;
const tableName = name(NAME_SIZE - 1);

/** In the order the save commands print. */
const options = {
  'hashlimit-upto': notOption(rate),
  hashlimit: spelling('hashlimit-upto', notOption(rate)),
  'hashlimit-above': notOption(rate),
  'hashlimit-burst': option(burst),
  'hashlimit-mode': option(mode),
  'hashlimit-name': option(tableName),
  'hashlimit-htable-size': option(u32),
  'hashlimit-htable-max': option(u32),
  'hashlimit-htable-gcinterval': option(u32),
  'hashlimit-htable-expire': option(u32),
  'hashlimit-srcmask': option(mask),
  'hashlimit-dstmask': option(mask),
  'hashlimit-rate-match': flag(),
  'hashlimit-rate-interval': option(seconds),
} as const;
type Options = OptionsOf<typeof options>;

/** XT_HASHLIMIT_INVERT, BYTES, RATE_MATCH. */
const ABOVE = 0x10;
const BYTES = 0x20;
const RATE_MATCH = 0x40;
const KEYS = 0x0f;
/** XT_HASHLIMIT_GCINTERVAL. */
const GC_INTERVAL = 1000;
/** XT_HASHLIMIT_BYTE_EXPIRE, BYTE_EXPIRE_BURST, in milliseconds. */
const BYTE_EXPIRE = 15000;
const BYTE_EXPIRE_BURST = 60000;

const rateOf = (o: Options): string => bare(o.hashlimitUpto ?? o.hashlimitAbove ?? '1/sec');
/** How long an entry of the table lives where it isn't said: a unit of the rate's time as it is printed. */
function usualExpire(o: Options): number {
  const text = rateOf(o);
  if (!isByteRate(text)) return 1000 * packets.printedUnit(packets.periodOf(text));
  return o.hashlimitBurst === undefined ? BYTE_EXPIRE : BYTE_EXPIRE_BURST;
}

/** Fields by place; avg and burst have 64 bits from revision 2 on. */
interface Layout {
  readonly revision: 0 | 1 | 2 | 3;
  readonly nameSize: number;
  readonly avg: number;
  readonly burst: number;
  /** And after it size, max, gc_interval, expire, 4 bytes each. */
  readonly mode: number;
  readonly table: number;
  readonly interval?: number;
  /** srcmask, and dstmask after it. */
  readonly masks?: number;
  /** Where the kernel's own begins. */
  readonly hinfo: number;
  readonly size: number;
}
const layouts: readonly Layout[] = [
  // struct xt_hashlimit_info
  { revision: 0, nameSize: SHORT_NAME, avg: 20, burst: 24, mode: 16, table: 28, hinfo: 48, size: 64 },
  // struct xt_hashlimit_mtinfo1, 2, 3
  { revision: 1, nameSize: SHORT_NAME, avg: 20, burst: 24, mode: 16, table: 28, masks: 44, hinfo: 48, size: 56 },
  { revision: 2, nameSize: NAME_SIZE, avg: 256, burst: 264, mode: 272, table: 276, masks: 292, hinfo: 296, size: 304 },
  { revision: 3, nameSize: NAME_SIZE, avg: 256, burst: 264, mode: 272, table: 276, interval: 292, masks: 296, hinfo: 304, size: 312 },
];

/** The period of a rate in the coarse scale of revisions 0 and 1, where that reads back as the same text. */
function coarsePeriod(text: string): number | undefined {
  const { packets: count, seconds } = parseRate(rateText(text));
  const period = Math.floor((seconds * 10000) / count);
  return period > 0 && coarsePackets.canonical(period) === text ? period : undefined;
}
/** The rate of a coarse period, in the form of the fine scale. */
function coarseText(period: number): string {
  const text = coarsePackets.canonical(period);
  if (text.includes('@') || packets.canonical(packets.periodOf(text)) !== text) throw new ValueError(`no rate stands for ${period}`);
  return text;
}

function canWrite({ revision, nameSize }: Layout, o: Options): boolean {
  if (revision === 3) return true;
  if (o.hashlimitRateMatch === true) return false;
  if (revision === 2) return true;
  const text = rateOf(o);
  if (!fits(o.hashlimitName ?? '', nameSize - 1)) return false;
  if (!isByteRate(text) && (coarsePeriod(text) === undefined || (o.hashlimitBurst ?? BURST) > COARSE_BURST_MAX)) return false;
  const plain = o.hashlimitAbove === undefined && o.hashlimitSrcmask === undefined && o.hashlimitDstmask === undefined;
  return revision === 1 || (plain && !isByteRate(text));
}

function write(l: Layout, o: Options, s: Struct, c: BytesContext): void {
  const coarse = l.revision < 2;
  const text = rateOf(o);
  let mode = bitsOf(modeTable, o.hashlimitMode ?? []) | (o.hashlimitAbove === undefined ? 0 : ABOVE);
  let avg: number;
  let burst = o.hashlimitBurst ?? BURST;
  if (isByteRate(text)) {
    const { cost, bytes } = byteRate(text);
    mode |= BYTES;
    avg = cost;
    burst = o.hashlimitBurst === undefined ? 0 : o.hashlimitBurst / bytes;
  } else avg = coarse ? (coarsePeriod(text) ?? 0) : packets.periodOf(text);
  if (o.hashlimitRateMatch === true) mode |= RATE_MATCH;
  s.setText(0, l.nameSize, o.hashlimitName ?? '');
  for (const [at, value] of [
    [l.avg, avg],
    [l.burst, burst],
  ] as const) {
    if (coarse) s.setU32(at, value);
    else s.setU64(at, BigInt(value));
  }
  s.setU32(l.mode, mode);
  s.setU32(l.table, o.hashlimitHtableSize ?? 0);
  s.setU32(l.table + 4, o.hashlimitHtableMax ?? 0);
  s.setU32(l.table + 8, o.hashlimitHtableGcinterval ?? GC_INTERVAL);
  s.setU32(l.table + 12, o.hashlimitHtableExpire ?? usualExpire(o));
  if (l.interval !== undefined && o.hashlimitRateMatch === true) s.setU32(l.interval, o.hashlimitRateInterval ?? 1);
  if (l.masks === undefined) return;
  s.setU8(l.masks, o.hashlimitSrcmask ?? fullMask(c.family));
  s.setU8(l.masks + 1, o.hashlimitDstmask ?? fullMask(c.family));
}

function number64(s: Struct, at: number): number {
  const n = s.u64(at);
  if (n > BigInt(Number.MAX_SAFE_INTEGER)) throw new ValueError(`no option says ${n}`);
  return Number(n);
}

function read(l: Layout, s: Struct, c: BytesContext): Options {
  const coarse = l.revision < 2;
  const mode = s.u32(l.mode);
  const avg = coarse ? s.u32(l.avg) : number64(s, l.avg);
  const burst = coarse ? s.u32(l.burst) : number64(s, l.burst);
  const name = endedText(s, 0, l.nameSize);
  if (name === '') throw new ValueError('a table has a name');
  const allowed = [KEYS, KEYS | ABOVE | BYTES, KEYS | ABOVE | BYTES, KEYS | ABOVE | BYTES | RATE_MATCH][l.revision] as number;
  if ((mode & ~allowed) !== 0) throw new ValueError(`no options stand for mode ${mode}`);
  const out: Reading<Options> = {};
  let text: string;
  if ((mode & BYTES) !== 0) {
    if (avg > U32_MAX) throw new ValueError(`no rate stands for ${avg}`);
    text = canonicalBytes(avg);
    const { bytes } = byteRate(text);
    if (burst > 0 && (bytes === 0 || bytes * burst > Number.MAX_SAFE_INTEGER)) throw new ValueError(`no option says a burst of ${burst}`);
    if (burst > 0) out.hashlimitBurst = bytes * burst;
  } else {
    if (avg === 0 || burst < 1 || burst > BURST_MAX) throw new ValueError(`no options stand for rate ${avg} and burst ${burst}`);
    text = coarse ? coarseText(avg) : packets.canonical(avg);
    out.hashlimitBurst = burst;
  }
  out[(mode & ABOVE) !== 0 ? 'hashlimitAbove' : 'hashlimitUpto'] = text;
  if ((mode & KEYS) !== 0) out.hashlimitMode = wordsOfBits(modeTable, mode);
  out.hashlimitName = name;
  const [size, max, gc, expire] = [0, 4, 8, 12].map((at) => s.u32(l.table + at)) as [number, number, number, number];
  if (size !== 0) out.hashlimitHtableSize = size;
  if (max !== 0) out.hashlimitHtableMax = max;
  if (gc !== GC_INTERVAL) out.hashlimitHtableGcinterval = gc;
  if (expire !== usualExpire(out)) out.hashlimitHtableExpire = expire;
  const full = fullMask(c.family);
  for (const [i, key] of (['hashlimitSrcmask', 'hashlimitDstmask'] as const).entries()) {
    const length = l.masks === undefined ? full : s.u8(l.masks + i);
    if (length > full) throw new ValueError(`a mask of ${length} bits`);
    if (length !== full) out[key] = length;
  }
  if ((mode & RATE_MATCH) !== 0 && l.interval !== undefined) {
    const interval = s.u32(l.interval);
    // Printed in another unit it would be read as of another interval.
    if (interval < 1 || interval > 0x7fffffff || ((mode & BYTES) === 0 && !rateText(text).endsWith('/sec')))
      throw new ValueError(`no options stand for rate ${avg} of interval ${interval}`);
    out.hashlimitRateMatch = true;
    if (interval !== 1) out.hashlimitRateInterval = interval;
  }
  return out;
}

/** What print and list have alike: the words after the rate. */
function words(o: Options, prefix: string, separator: string, usual: number): string[] {
  const out: string[] = [];
  const add = (name: string, value: string | number | undefined): void => {
    if (value !== undefined) out.push(prefix + name, String(value));
  };
  const { hashlimitBurst: burst } = o;
  add('burst', isByteRate(rateOf(o)) ? burst && bytesText(burst) : burst);
  add('mode', o.hashlimitMode?.join(separator));
  // The table's name isn't listed.
  if (prefix !== '') add('name', o.hashlimitName);
  add('htable-size', o.hashlimitHtableSize);
  add('htable-max', o.hashlimitHtableMax);
  add('htable-gcinterval', o.hashlimitHtableGcinterval);
  const expire = o.hashlimitHtableExpire ?? usualExpire(o);
  add('htable-expire', expire === usual ? undefined : expire);
  add('srcmask', o.hashlimitSrcmask);
  add('dstmask', o.hashlimitDstmask);
  if (o.hashlimitRateMatch === true) out.push(`${prefix}rate-match`);
  add('rate-interval', o.hashlimitRateInterval);
  return out;
}

export const hashlimit = match('hashlimit', {
  options,
  revisions: layouts.map((l): Revision<Options> => {
    const { revision, size, hinfo, mode, interval } = l;
    return {
      revision,
      size,
      kernelPrivate: [[hinfo, size]],
      can: (o) => canWrite(l, o),
      write: (o, s, c) => write(l, o, s, c),
      read: (s, c) => read(l, s, c),
      // Without --hashlimit-rate-match the interval isn't looked at.
      ...(interval === undefined ? {} : { canonical: (s) => ((s.u32(mode) & RATE_MATCH) === 0 ? s.setU32(interval, 0) : undefined) }),
    };
  }),
  finish: (o, c) => {
    const { hashlimitUpto, hashlimitAbove, ...rest } = o;
    const given = hashlimitUpto ?? hashlimitAbove;
    if (given === undefined) throw new ValueError('You have to specify --hashlimit');
    exclusive(o, 'hashlimitUpto', 'hashlimitAbove');
    mandatory(o, 'hashlimitName');
    if (rest.hashlimitName === '') throw new ValueError('Argument of "--hashlimit-name" must have a minimum length of 1 characters');
    const out: Reading<Options> = rest;
    const key = (hashlimitAbove !== undefined) === isNot(given) ? 'hashlimitUpto' : 'hashlimitAbove';
    const expire = isByteRate(bare(given)) ? takeBytes(out, key, bare(given)) : takePackets(out, key, bare(given));
    out.hashlimitHtableExpire ??= expire;
    for (const [name, usual] of [
      ['hashlimitHtableSize', 0],
      ['hashlimitHtableMax', 0],
      ['hashlimitHtableGcinterval', GC_INTERVAL],
      ['hashlimitHtableExpire', usualExpire(out)],
      ['hashlimitSrcmask', fullMask(c.family)],
      ['hashlimitDstmask', fullMask(c.family)],
      ['hashlimitRateInterval', out.hashlimitRateMatch === true ? 1 : out.hashlimitRateInterval],
    ] as const) {
      if (out[name] === usual) delete out[name];
    }
    if (out.hashlimitMode?.length === 0) delete out.hashlimitMode;
    return out;
  },
  print: (o) => [
    ...(o.hashlimitAbove === undefined ? ['--hashlimit-upto'] : ['--hashlimit-above']),
    rateText(rateOf(o)),
    ...words(o, '--hashlimit-', ',', usualExpire(o)),
  ],
  list: (o) => {
    const text = rateOf(o);
    let shown = rateText(text);
    let usual = usualExpire(o);
    if (o.hashlimitRateMatch === true && !isByteRate(text)) {
      // The rate is that of the whole interval.
      const period = packets.periodOf(text) * (o.hashlimitRateInterval ?? 1);
      shown = packets.printed(period);
      usual = 1000 * packets.printedUnit(period);
    }
    return [` limit: ${o.hashlimitAbove === undefined ? 'up to' : 'above'} ${shown}`, ...words(o, '', '-', usual)].join(' ');
  },
});

type RateKey = 'hashlimitUpto' | 'hashlimitAbove';
/** Puts the rate and the burst, and gives the usual expiry of what was written. */
function takeBytes(out: Reading<Options>, key: RateKey, text: string): number {
  const { cost, bytes } = byteRate(text);
  out[key] = canonicalBytes(cost);
  if (out.hashlimitBurst === undefined) return BYTE_EXPIRE;
  // A burst of one rate is printed as the rate is, rounded down.
  const small = out.hashlimitBurst < bytes && bytesText(out.hashlimitBurst) !== bytesText(bytes);
  if (bytes === 0 || small) throw new ValueError(`burst cannot be smaller than ${bytes}b`);
  out.hashlimitBurst = Math.ceil(out.hashlimitBurst / bytes) * bytes;
  return BYTE_EXPIRE_BURST;
}
function takePackets(out: Reading<Options>, key: RateKey, text: string): number {
  let period = packets.periodOf(text);
  const seconds = text.includes('@') ? packets.printedUnit(period) : parseRate(text).seconds;
  if (out.hashlimitRateMatch === true && !text.includes('@')) {
    // A rate to match is kept as that of a second, its unit as the interval.
    period = Math.floor(period / seconds);
    if (period === 0) throw new ValueError(`Rate too fast "${text}"`);
    out.hashlimitRateInterval ??= seconds;
  }
  out[key] = packets.canonical(period);
  out.hashlimitBurst ??= BURST;
  if (out.hashlimitBurst > BURST_MAX) throw new ValueError(`bad value for option "--hashlimit-burst", or out of range (1-${BURST_MAX})`);
  return 1000 * seconds;
}
