// -m rt (linux/netfilter_ipv6/ip6t_rt.h, struct ip6t_rt; libip6t_rt.c). That type 0 must stand before the options of it is not asked
// for: an options object has no order.
import { formatIpv6, parseIpv6 } from '../../wire/address.ts';
import { flag, isNot, match, type Not, notOption, type OptionsOf, option, type Value, ValueError } from './codec.ts';
import { isWhole, listRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';
import type { Struct } from './struct.ts';
import { checkFlags, flagsOf } from './struct-flags.ts';
import { unsigned } from './values.ts';

const MAX = 0xffffffff;
/** IP6T_RT_HOPS. */
const HOPS = 16;

function addressBytes(text: string): Uint8Array {
  const bytes = parseIpv6(text);
  if (bytes === undefined) throw new ValueError(`bad address: ${text}`);
  return bytes;
}
const addresses: Value<readonly string[]> = {
  parse: ([word]) => {
    const list = (word as string).split(',');
    if (list.length > HOPS) throw new ValueError('too many addresses specified');
    return list.map((text) => formatIpv6(addressBytes(text)));
  },
  format: (list) => [list.join(',')],
};

const options = {
  'rt-type': notOption(unsigned(MAX)),
  'rt-segsleft': notOption(numberRange(MAX)),
  'rt-len': notOption(unsigned(MAX)),
  'rt-0-res': flag(),
  'rt-0-addrs': option(addresses),
  'rt-0-not-strict': flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** IP6T_RT_*. */
const TYPE = 0x01;
const SEGMENTS = 0x02;
const LENGTH = 0x04;
const RESERVED = 0x08;
const ADDRESSES = 0x10;
const NOT_STRICT = 0x20;
const INVERTIBLE = TYPE | SEGMENTS | LENGTH;
const KNOWN = INVERTIBLE | RESERVED | ADDRESSES | NOT_STRICT;

/** __u32 rt_type, segsleft[2], hdrlen; __u8 flags, invflags; struct in6_addr addrs[16]; __u8 addrnr */
const RT = { type: 0, first: 4, last: 8, length: 12, flags: 16, invert: 17, addresses: 20, count: 276, size: 280 } as const;

/** What is said of a header of type 0 needs that type. */
function checkType0(o: Options): Options {
  for (const [key, long] of [
    ['rt0Res', '--rt-0-res'],
    ['rt0Addrs', '--rt-0-addrs'],
  ] as const)
    if (o[key] !== undefined && o.rtType !== 0) throw new ValueError(`\`--rt-type 0' required before \`${long}'`);
  if (o.rt0NotStrict !== undefined && o.rt0Addrs === undefined)
    throw new ValueError("`--rt-0-addr ...' required before `--rt-0-not-strict'");
  return o;
}

function readAddresses(s: Struct): readonly string[] {
  const count = s.u8(RT.count);
  if (count === 0 || count > HOPS) throw new ValueError(`no option stands for ${count} addresses`);
  return Array.from({ length: count }, (_, i) => formatIpv6(s.bytes, RT.addresses + 16 * i));
}

const listNumber = (label: string, option: Not<number> | undefined, shown: (n: number) => number = (n) => n): string =>
  option === undefined ? '' : ` ${label}:${isNot(option) ? '!' : ''}${shown(bare(option))}`;

export const rt = match('rt', {
  family: 'ip6',
  options,
  revisions: [
    {
      revision: 0,
      size: RT.size,
      write: (o, s) => {
        const [first, last] = o.rtSegsleft === undefined ? [0, MAX] : rangeEnds(bare(o.rtSegsleft));
        s.setU32(RT.type, bare(o.rtType ?? 0));
        s.setU32(RT.first, first);
        s.setU32(RT.last, last);
        s.setU32(RT.length, bare(o.rtLen ?? 0));
        for (const [i, text] of (o.rt0Addrs ?? []).entries()) s.set(RT.addresses + 16 * i, addressBytes(text));
        s.setU8(RT.count, o.rt0Addrs?.length ?? 0);
        const { flags, inverted } = flagsOf([
          [o.rtType, TYPE],
          [o.rtSegsleft, SEGMENTS],
          [o.rtLen, LENGTH],
          [o.rt0Res, RESERVED],
          [o.rt0Addrs, ADDRESSES],
          [o.rt0NotStrict, NOT_STRICT],
        ]);
        s.setU8(RT.flags, flags);
        s.setU8(RT.invert, inverted);
      },
      read: (s) => {
        const flags = s.u8(RT.flags);
        const inverted = s.u8(RT.invert);
        checkFlags(flags, KNOWN, inverted, INVERTIBLE);
        const out: Reading<Options> = {};
        if ((flags & TYPE) !== 0) out.rtType = withNot(s.u32(RT.type), (inverted & TYPE) !== 0);
        // The kernel compares with the range whether the bit is set or not, and the real save prints it.
        const any = s.u32(RT.first) === 0 && s.u32(RT.last) === MAX;
        if ((flags & SEGMENTS) !== 0 || !any)
          out.rtSegsleft = withNot(rangeOf(s.u32(RT.first), s.u32(RT.last)), (inverted & SEGMENTS) !== 0);
        if ((flags & LENGTH) !== 0) out.rtLen = withNot(s.u32(RT.length), (inverted & LENGTH) !== 0);
        if ((flags & RESERVED) !== 0) out.rt0Res = true;
        if ((flags & ADDRESSES) !== 0) out.rt0Addrs = readAddresses(s);
        if ((flags & NOT_STRICT) !== 0) out.rt0NotStrict = true;
        return checkType0(out);
      },
      canonical: (s) => {
        const any = s.u32(RT.first) === 0 && s.u32(RT.last) === MAX && (s.u8(RT.invert) & SEGMENTS) === 0;
        s.setU8(RT.flags, any ? s.u8(RT.flags) & ~SEGMENTS : s.u8(RT.flags) | SEGMENTS);
      },
    },
  ],
  shown: (o) => (isWhole(o.rtSegsleft, MAX) ? without(o, 'rtSegsleft') : o),
  list: (o) => {
    // The real program prints the type as a signed number.
    let out = ` rt${listNumber('type', o.rtType, (n) => n | 0)}${listRange('segsleft', o.rtSegsleft, MAX)}${listNumber('length', o.rtLen)}`;
    if (o.rt0Res === true) out += ' reserved';
    if (o.rt0Addrs !== undefined) out += ` 0-addrs ${o.rt0Addrs.join(',')}`;
    return o.rt0NotStrict === true ? `${out} 0-not-strict` : out;
  },
  finish: checkType0,
});
