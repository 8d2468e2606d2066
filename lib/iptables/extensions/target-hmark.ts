// -j HMARK (linux/netfilter/xt_HMARK.h; libxt_HMARK.c).
import { networkBytes } from '../rule/addresses.ts';
import { type BytesContext, type IpFamily, type OptionsOf, option, type ParseContext, target, type Value, ValueError } from './codec.ts';
import type { Reading } from './option-values.ts';
import { Struct } from './struct.ts';
import { parseAddress, parseUnsigned, unsigned } from './values.ts';

const U16_MAX = 0xffff;
const U32_MAX = 0xffffffff;
const bitsOf: Readonly<Record<IpFamily, number>> = { ip: 32, ip6: 128 };

/** In the order that a shortened word is looked for. */
const members = ['src', 'dst', 'sport', 'dport', 'proto', 'spi', 'ct'] as const;
export type HmarkMember = (typeof members)[number];

/** Words in any case that may be shortened. */
const tuple: Value<readonly HmarkMember[]> = {
  parse: ([list]) => {
    const words = (list as string).toLowerCase().split(',');
    const found = words.map((word) => {
      const member = word === '' ? undefined : members.find((name) => name.startsWith(word));
      if (member === undefined) throw new ValueError(`Bad type "${word}"`);
      return member;
    });
    return members.filter((member) => found.includes(member));
  },
  format: (list) => [list.join(',')],
};

/** A length, or a mask of an address. The real tools make all ones of a mask with holes, and of 33; those are refused here. */
const prefix: Value<number> = {
  parse: ([word], { family }) => {
    const length = parseUnsigned(word as string, bitsOf[family]) ?? lengthOf(parseAddress(family, word as string));
    if (length === undefined) throw new ValueError(`neither a valid network mask nor valid CIDR (0-${bitsOf[family]})`);
    return length;
  },
  format: (length) => [String(length)],
};
function lengthOf(mask: Uint8Array | undefined): number | undefined {
  if (mask === undefined) return undefined;
  const bits = [...mask].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  const length = bits.indexOf('0');
  if (length < 0) return bits.length;
  return bits.includes('1', length) ? undefined : length;
}
function maskBytes(length: number, family: IpFamily): Uint8Array {
  return networkBytes(`${family === 'ip' ? '0.0.0.0' : '::'}/${length}`, family).mask;
}

/** Printed in hex of so many digits. */
function hexadecimal(max: number, digits: number): Value<number> {
  return { parse: unsigned(max).parse, format: (n) => [`0x${n.toString(16).padStart(digits, '0')}`] };
}
const u16 = hexadecimal(U16_MAX, 4);
const u32 = hexadecimal(U32_MAX, 8);

const options = {
  'hmark-src-prefix': option(prefix),
  'hmark-dst-prefix': option(prefix),
  'hmark-sport-mask': option(u16),
  'hmark-dport-mask': option(u16),
  'hmark-spi-mask': option(u32),
  'hmark-sport': option(u16),
  'hmark-dport': option(u16),
  'hmark-spi': option(u32),
  'hmark-proto-mask': option(hexadecimal(U16_MAX, 2)),
  'hmark-rnd': option(u32),
  'hmark-mod': option(unsigned(U32_MAX, 1)),
  'hmark-offset': option(unsigned(U32_MAX)),
  'hmark-tuple': option(tuple),
};
type Options = OptionsOf<typeof options>;
type NumberKey = Exclude<keyof Options, 'hmarkTuple'>;

interface Field {
  readonly key: NumberKey;
  readonly at: number;
  readonly flag: number;
  readonly form: 'prefix' | 'be16' | 'be32' | 'u16' | 'u32';
  /** As -L calls it. */
  readonly word: string;
  /** Whether it is something to make the hash of. */
  readonly hashed: boolean;
}
/** XT_HMARK_* by bit, in the order they are listed. The SPI lies where the ports do. */
const fields: readonly Field[] = [
  { key: 'hmarkSrcPrefix', at: 0, flag: 1 << 0, form: 'prefix', word: 'src-prefix', hashed: true },
  { key: 'hmarkDstPrefix', at: 16, flag: 1 << 1, form: 'prefix', word: 'dst-prefix', hashed: true },
  { key: 'hmarkSportMask', at: 32, flag: 1 << 6, form: 'be16', word: 'sport-mask', hashed: true },
  { key: 'hmarkDportMask', at: 34, flag: 1 << 7, form: 'be16', word: 'dport-mask', hashed: true },
  { key: 'hmarkSpiMask', at: 32, flag: 1 << 3, form: 'be32', word: 'spi-mask', hashed: true },
  { key: 'hmarkSport', at: 36, flag: 1 << 4, form: 'be16', word: 'sport', hashed: true },
  { key: 'hmarkDport', at: 38, flag: 1 << 5, form: 'be16', word: 'dport', hashed: true },
  { key: 'hmarkSpi', at: 36, flag: 1 << 2, form: 'be32', word: 'spi', hashed: true },
  { key: 'hmarkProtoMask', at: 44, flag: 1 << 8, form: 'u16', word: 'proto-mask', hashed: true },
  { key: 'hmarkRnd', at: 48, flag: 1 << 9, form: 'u32', word: 'rnd', hashed: false },
  { key: 'hmarkMod', at: 52, flag: 1 << 10, form: 'u32', word: 'mod', hashed: false },
  { key: 'hmarkOffset', at: 56, flag: 1 << 11, form: 'u32', word: 'offset', hashed: false },
];
/** The members of the tuple that stand for the whole mask of an address. */
const addressMasks = [
  { member: 'src', key: 'hmarkSrcPrefix', at: 0, flag: 1 << 0 },
  { member: 'dst', key: 'hmarkDstPrefix', at: 16, flag: 1 << 1 },
] as const;
const MASK_SIZE = 16;
const CT = 1 << 12;
const FLAGS = 40;
const SIZE = 60;

function writeField({ form, at }: Field, value: number, s: Struct, family: IpFamily): void {
  if (form === 'prefix') s.set(at, maskBytes(value, family));
  else if (form === 'be16') s.setBe16(at, value);
  else if (form === 'be32') s.set(at, new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]));
  else if (form === 'u16') s.setU16(at, value);
  else s.setU32(at, value);
}
function readField({ form, at }: Field, s: Struct, family: IpFamily): number {
  if (form === 'be16') return s.be16(at);
  if (form === 'be32') return s.be16(at) * 0x10000 + s.be16(at + 2);
  if (form === 'u16') return s.u16(at);
  if (form === 'u32') return s.u32(at);
  const length = lengthOf(s.copy(at, bitsOf[family] / 8));
  if (length === undefined) throw new ValueError('no option stands for a mask with holes');
  return length;
}

function write(o: Options, s: Struct, c: BytesContext): void {
  let flags = o.hmarkTuple?.includes('ct') === true ? CT : 0;
  for (const field of fields) {
    const value = o[field.key];
    if (value === undefined) continue;
    flags |= field.flag;
    writeField(field, value, s, c.family);
  }
  for (const { member, at, flag } of addressMasks) {
    if (o.hmarkTuple?.includes(member) !== true) continue;
    flags |= flag;
    s.bytes.fill(0xff, at, at + MASK_SIZE);
  }
  s.setU32(FLAGS, flags);
}
function read(s: Struct, c: BytesContext): Options {
  const flags = s.u32(FLAGS);
  const out: Reading<Options> = {};
  for (const field of fields) if ((flags & field.flag) !== 0) out[field.key] = readField(field, s, c.family);
  if ((flags & CT) !== 0) out.hmarkTuple = ['ct'];
  // Of an IPv4 mask all 16 bytes are filled by the tuple, 4 by the option of the length.
  const whole = (at: number): boolean => s.copy(at, MASK_SIZE).every((byte) => byte === 0xff);
  if (c.family === 'ip') {
    const filled = addressMasks.filter(({ key, at }) => out[key] !== undefined && whole(at));
    for (const { key } of filled) delete out[key];
    if (filled.length > 0) out.hmarkTuple = [...filled.map(({ member }) => member), ...(out.hmarkTuple ?? [])];
  }
  const told = complete(out);
  // The kernel uses every field, told by a flag or not.
  const again = new Struct(new Uint8Array(SIZE));
  write(told, again, c);
  if (!sameUsed(s, again, c.family)) throw new ValueError('no options stand for all that is set');
  return told;
}
function sameUsed(a: Struct, b: Struct, family: IpFamily): boolean {
  for (let at = 0; at < SIZE; at++) if (a.u8(at) !== b.u8(at) && !unused(at, family)) return false;
  return true;
}

/** Of an address's mask IPv4 has four bytes. */
const unusedOfIpv4 = [
  [4, 16],
  [20, 32],
] as const;
function unused(at: number, family: IpFamily): boolean {
  return family === 'ip' && unusedOfIpv4.some(([from, to]) => at >= from && at < to);
}

/** The real -C and -D compare these bytes too; the kernel doesn't look at them. */
function canonicalIpv4(s: Struct): void {
  for (const [from, to] of unusedOfIpv4) s.bytes.fill(0, from, to);
}

function complete(o: Options): Options {
  if (o.hmarkMod === undefined) throw new ValueError('--hmark-mod is mandatory');
  if (o.hmarkRnd === undefined) throw new ValueError('--hmark-rnd is mandatory');
  if (o.hmarkSpiMask !== undefined && (o.hmarkSportMask ?? o.hmarkDportMask) !== undefined) {
    throw new ValueError('you cannot use --hmark-spi-mask and --hmark-?port-mask at the same time');
  }
  if (o.hmarkSpi !== undefined && (o.hmarkSport ?? o.hmarkDport) !== undefined) {
    throw new ValueError('you cannot use --hmark-spi and --hmark-?port at the same time');
  }
  if (o.hmarkTuple === undefined && fields.every(({ key, hashed }) => !hashed || o[key] === undefined)) {
    throw new ValueError('you have to specify --hmark-tuple at least');
  }
  return o;
}

/** What a member of the tuple is short for, in the struct or only as it is printed. */
function wholeMask(member: HmarkMember, family: IpFamily): readonly [NumberKey, number] | undefined {
  if (member === 'src') return ['hmarkSrcPrefix', bitsOf[family]];
  if (member === 'dst') return ['hmarkDstPrefix', bitsOf[family]];
  if (member === 'sport') return ['hmarkSportMask', U16_MAX];
  if (member === 'dport') return ['hmarkDportMask', U16_MAX];
  if (member === 'proto') return ['hmarkProtoMask', U16_MAX];
  return member === 'spi' ? ['hmarkSpiMask', U32_MAX] : undefined;
}

/** The save commands print the whole mask of an address as its length. */
function shown({ hmarkTuple, ...given }: Options, c: ParseContext): Options {
  const out: Reading<Options> = { ...given };
  for (const member of hmarkTuple ?? []) {
    const mask = wholeMask(member, c.family);
    if (mask !== undefined) out[mask[0]] = mask[1];
    else out.hmarkTuple = [member];
  }
  return out;
}

export const HMARK = target('HMARK', {
  options,
  revisions: [
    // struct xt_hmark_info: union nf_inet_addr src_mask, dst_mask; union hmark_ports port_mask, port_set; __u32 flags;
    // __u16 proto_mask; __u32 hashrnd, hmodulus, hoffset
    { revision: 0, family: 'ip', size: SIZE, write, read, canonical: canonicalIpv4 },
    { revision: 0, family: 'ip6', size: SIZE, write, read },
  ],
  shown,
  list: (given, c) => {
    const o = shown(given, c);
    const { family } = c;
    let out = ` HMARK mod ${o.hmarkMod} `;
    if (o.hmarkOffset !== undefined) out += `+ 0x${o.hmarkOffset.toString(16)} `;
    if (o.hmarkTuple !== undefined) out += 'ct, ';
    for (const { key, form, word } of fields) {
      const value = o[key];
      if (value === undefined || key === 'hmarkMod' || key === 'hmarkOffset') continue;
      // A whole mask of IPv6 has no text of its own.
      const text = form !== 'prefix' ? `0x${value.toString(16)}` : value === 128 && family === 'ip6' ? '' : String(value);
      out += `${word} ${text} `;
    }
    return out;
  },
  finish: ({ hmarkTuple, ...given }, c) => {
    const out: Reading<Options> = { ...given };
    const kept: HmarkMember[] = [];
    for (const member of hmarkTuple ?? []) {
      const mask = wholeMask(member, c.family);
      if (mask !== undefined && out[mask[0]] !== undefined)
        throw new ValueError(`--hmark-tuple ${member} and its mask option can only be used once together`);
      // Of IPv6 a whole mask is the same bytes either way.
      if (mask === undefined || (c.family === 'ip' && addressMasks.some((a) => a.member === member))) kept.push(member);
      else out[mask[0]] = mask[1];
    }
    return complete(kept.length === 0 ? out : { ...out, hmarkTuple: kept });
  },
});
