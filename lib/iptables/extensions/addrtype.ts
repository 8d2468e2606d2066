// -m addrtype (linux/netfilter/xt_addrtype.h; libxt_addrtype.c).
import { flag, isNot, match, notOption, type OptionsOf, ValueError } from './codec.ts';
import { bare, exclusive, onlyBits, type Reading, withNot } from './option-values.ts';
import { type BitWord, bitsOf, bitWords, wordsOfBits } from './words-of-bits.ts';

const names = [
  ...(['UNSPEC', 'UNICAST', 'LOCAL', 'BROADCAST', 'ANYCAST', 'MULTICAST'] as const),
  ...(['BLACKHOLE', 'UNREACHABLE', 'PROHIBIT', 'THROW', 'NAT', 'XRESOLVE'] as const),
] as const;
/** A routing type of the kernel (RTN_*). */
export type AddressType = (typeof names)[number];

const table: readonly BitWord<AddressType>[] = names.map((word, i) => ({ word, bit: 1 << i }));
const types = bitWords('type', table);
const ALL = (1 << names.length) - 1;

const options = {
  'src-type': notOption(types),
  'dst-type': notOption(types),
  'limit-iface-in': flag(),
  'limit-iface-out': flag(),
} as const;
type Options = OptionsOf<typeof options>;

const INVERT_SOURCE = 0x1;
const INVERT_DEST = 0x2;
const LIMIT_IN = 0x4;
const LIMIT_OUT = 0x8;

function read(source: number, dest: number, flags: number): Options {
  if ((source | dest) === 0) throw new ValueError('no type is asked for');
  onlyBits(source | dest, ALL, 'type');
  onlyBits(flags, INVERT_SOURCE | INVERT_DEST | LIMIT_IN | LIMIT_OUT, 'flags');
  const out: Reading<Options> = {};
  if (source !== 0) out.srcType = withNot(wordsOfBits(table, source), (flags & INVERT_SOURCE) !== 0);
  if (dest !== 0) out.dstType = withNot(wordsOfBits(table, dest), (flags & INVERT_DEST) !== 0);
  if ((flags & LIMIT_IN) !== 0) out.limitIfaceIn = true;
  if ((flags & LIMIT_OUT) !== 0) out.limitIfaceOut = true;
  return out;
}
const bits = (types: Options['srcType']): number => (types === undefined ? 0 : bitsOf(table, bare(types)));

export const addrtype = match('addrtype', {
  options,
  revisions: [
    {
      // struct xt_addrtype_info: __u16 source, dest; __u32 invert_source, invert_dest
      revision: 0,
      family: 'ip',
      size: 12,
      can: (o) => o.limitIfaceIn === undefined && o.limitIfaceOut === undefined,
      write: (o, s) => {
        s.setU16(0, bits(o.srcType));
        s.setU16(2, bits(o.dstType));
        s.setU32(4, isNot(o.srcType) ? 1 : 0);
        s.setU32(8, isNot(o.dstType) ? 1 : 0);
      },
      read: (s) => read(s.u16(0), s.u16(2), (s.u32(4) !== 0 ? INVERT_SOURCE : 0) | (s.u32(8) !== 0 ? INVERT_DEST : 0)),
    },
    {
      // struct xt_addrtype_info_v1: __u16 source, dest; __u32 flags
      revision: 1,
      size: 8,
      write: (o, s) => {
        s.setU16(0, bits(o.srcType));
        s.setU16(2, bits(o.dstType));
        const inverted = (isNot(o.srcType) ? INVERT_SOURCE : 0) | (isNot(o.dstType) ? INVERT_DEST : 0);
        s.setU32(4, inverted | (o.limitIfaceIn === true ? LIMIT_IN : 0) | (o.limitIfaceOut === true ? LIMIT_OUT : 0));
      },
      read: (s) => read(s.u16(0), s.u16(2), s.u32(4)),
    },
  ],
  list: (o) => {
    const types = (label: string, given: Options['srcType']): string =>
      given === undefined ? '' : ` ${label} ${isNot(given) ? '!' : ''}${bare(given).join(',')}`;
    const limits = (o.limitIfaceIn === true ? ' limit-in' : '') + (o.limitIfaceOut === true ? ' limit-out' : '');
    return ` ADDRTYPE match${types('src-type', o.srcType)}${types('dst-type', o.dstType)}${limits}`;
  },
  finish: (o) => {
    if (o.srcType === undefined && o.dstType === undefined) throw new ValueError('you must specify --src-type or --dst-type');
    exclusive(o, 'limitIfaceIn', 'limitIfaceOut');
    return o;
  },
});
