// -m connlimit (linux/netfilter/xt_connlimit.h, struct xt_connlimit_info; libxt_connlimit.c).
import { parseMask, prefixLength } from '../rule/addresses.ts';
import { flag, type IpFamily, isNot, match, notOption, type OptionsOf, option, type Revision, type Value, ValueError } from './codec.ts';
import { bare, exclusive, onlyBits } from './option-values.ts';
import type { Struct } from './struct.ts';
import { unsigned } from './values.ts';

/** A length, or an address mask without holes. */
const prefix: Value<number> = {
  parse: ([word], c) => {
    const length = prefixLength(parseMask(word as string, c.family));
    if (length === undefined) throw new ValueError(`neither a valid network mask nor valid CIDR (0-${bits[c.family]})`);
    return length;
  },
  format: (n) => [String(n)],
};
const bits = { ip: 32, ip6: 128 } as const satisfies Record<IpFamily, number>;

const limit = notOption(unsigned(0xffffffff));
/** In the order the save commands print. */
const options = {
  'connlimit-upto': limit,
  'connlimit-above': limit,
  'connlimit-mask': option(prefix),
  'connlimit-saddr': flag(),
  'connlimit-daddr': flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** Offsets: union nf_inet_addr mask; unsigned int limit; __u32 flags; then the kernel's own pointer. */
const LIMIT = 16;
const FLAGS = 20;
const DATA = 24;
const SIZE = 32;
/** XT_CONNLIMIT_INVERT, _DADDR. */
const UPTO = 1 << 0;
const DADDR = 1 << 1;

const side = (dest: boolean): Options => (dest ? { connlimitDaddr: true } : { connlimitSaddr: true });

/**
 * Of an IPv4 mask the real tools fill 4 bytes where --connlimit-mask is given and all 16 where it isn't, and their -C and -D compare all;
 * the kernel looks at 4.
 */
function revision(revision: 0 | 1, family: IpFamily): Revision<Options> {
  const size = bits[family] / 8;
  return {
    revision,
    family,
    size: SIZE,
    kernelPrivate: [[DATA, SIZE]],
    can: (o) => revision > 0 || o.connlimitDaddr === undefined,
    write: (o, s) => {
      if (o.connlimitMask === undefined) s.bytes.fill(0xff, 0, LIMIT);
      else s.set(0, parseMask(String(o.connlimitMask), family));
      s.setU32(LIMIT, bare(o.connlimitUpto ?? o.connlimitAbove ?? 0));
      s.setU32(FLAGS, (o.connlimitUpto === undefined ? 0 : UPTO) | (o.connlimitDaddr === true ? DADDR : 0));
    },
    read: (s) => {
      const flags = onlyBits(s.u32(FLAGS), revision === 0 ? UPTO : UPTO | DADDR);
      const connlimitMask = prefixLength(s.copy(0, size));
      if (connlimitMask === undefined) throw new ValueError('no option stands for a mask with holes');
      return {
        ...((flags & UPTO) === 0 ? { connlimitAbove: s.u32(LIMIT) } : { connlimitUpto: s.u32(LIMIT) }),
        ...(s.copy(0, LIMIT).every((byte) => byte === 0xff) ? {} : { connlimitMask }),
        ...side((flags & DADDR) !== 0),
      };
    },
    ...(family === 'ip' ? { canonical: (s: Struct) => void s.bytes.fill(0, size, LIMIT) } : {}),
  };
}

export const connlimit = match('connlimit', {
  options,
  revisions: [revision(0, 'ip'), revision(0, 'ip6'), revision(1, 'ip'), revision(1, 'ip6')],
  finish: (o) => {
    exclusive(o, 'connlimitUpto', 'connlimitAbove');
    exclusive(o, 'connlimitSaddr', 'connlimitDaddr');
    const given = o.connlimitUpto ?? o.connlimitAbove;
    if (given === undefined) throw new ValueError('You must specify "--connlimit-above" or "--connlimit-upto"');
    // Not up to is above.
    const upto = (o.connlimitUpto === undefined) === isNot(given);
    return {
      ...(upto ? { connlimitUpto: bare<number>(given) } : { connlimitAbove: bare<number>(given) }),
      // Of IPv6 a mask of ones is what is there without one.
      ...(o.connlimitMask === undefined || o.connlimitMask === bits.ip6 ? {} : { connlimitMask: o.connlimitMask }),
      ...side(o.connlimitDaddr === true),
    };
  },
  shown: (o, c) => ({ ...o, connlimitMask: o.connlimitMask ?? bits[c.family] }),
  list: (o, c) => {
    const side = o.connlimitDaddr === true ? 'dst' : 'src';
    const limit = o.connlimitUpto === undefined ? `> ${bare(o.connlimitAbove ?? 0)}` : `<= ${bare(o.connlimitUpto)}`;
    return ` #conn ${side}/${o.connlimitMask ?? bits[c.family]} ${limit}`;
  },
});
