// -m ipv6header (linux/netfilter_ipv6/ip6t_ipv6header.h, struct ip6t_ipv6header_info; libip6t_ipv6header.c).
import { flag, isNot, match, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { bare, mandatory, type Reading, withNot } from './option-values.ts';
import { type BitWord, bitsOf, wordsOfBits } from './words-of-bits.ts';

export type Ipv6Header = 'hop-by-hop' | 'ipv6-opts' | 'ipv6-route' | 'ipv6-frag' | 'ah' | 'esp' | 'ipv6-nonxt' | 'protocol';

/** MASK_*, in the order they are printed; the short word, the number as text and the names of /etc/protocols mean the same. */
const table: readonly (BitWord<Ipv6Header> & { readonly others: readonly string[] })[] = [
  { word: 'hop-by-hop', bit: 0x80, others: ['hop', '0', 'ip', 'IP', 'hopopt', 'HOPOPT'] },
  { word: 'ipv6-opts', bit: 0x40, others: ['dst', '60', 'IPv6-Opts'] },
  { word: 'ipv6-route', bit: 0x20, others: ['route', '43', 'IPv6-Route'] },
  { word: 'ipv6-frag', bit: 0x10, others: ['frag', '44', 'IPv6-Frag'] },
  { word: 'ah', bit: 0x08, others: ['auth', '51', 'IPSEC-AH'] },
  { word: 'esp', bit: 0x04, others: ['50', 'IPSEC-ESP'] },
  { word: 'ipv6-nonxt', bit: 0x02, others: ['none', '59', 'IPv6-NoNxt'] },
  { word: 'protocol', bit: 0x01, others: ['prot', '255'] },
];

const headers: Value<readonly Ipv6Header[]> = {
  parse: ([list]) => {
    let bits = 0;
    for (const word of (list as string).split(',')) {
      const found = table.find((entry) => entry.word === word || entry.others.includes(word));
      // strtok of the real tool skips empty words.
      if (found === undefined && word !== '') throw new ValueError(`unknown header \`${word}' specified`);
      bits |= found?.bit ?? 0;
    }
    if (bits === 0) throw new ValueError('cannot parse header names');
    return wordsOfBits(table, bits);
  },
  format: (words) => [words.join(',')],
};

const options = { header: notOption(headers), soft: flag() } as const;

/** __u8 matchflags, invflags, modeflag: the last two have all bits or none. */
const HEADER = { flags: 0, invert: 1, soft: 2, size: 3 } as const;
const ALL_BITS = 0xff;

export const ipv6header = match('ipv6header', {
  family: 'ip6',
  options,
  revisions: [
    {
      revision: 0,
      size: HEADER.size,
      write: (o, s) => {
        s.setU8(HEADER.flags, bitsOf(table, bare(o.header ?? [])));
        s.setU8(HEADER.invert, isNot(o.header) ? ALL_BITS : 0);
        s.setU8(HEADER.soft, o.soft === true ? ALL_BITS : 0);
      },
      read: (s) => {
        const bits = s.u8(HEADER.flags);
        const inverted = s.u8(HEADER.invert);
        if (bits === 0) throw new ValueError('no option stands for no header');
        if (inverted !== 0 && inverted !== ALL_BITS) throw new ValueError(`no option stands for the inversions 0x${inverted.toString(16)}`);
        const out: Reading<OptionsOf<typeof options>> = { header: withNot(wordsOfBits(table, bits), inverted !== 0) };
        if (s.u8(HEADER.soft) !== 0) out.soft = true;
        return out;
      },
      canonical: (s) => s.setU8(HEADER.soft, s.u8(HEADER.soft) === 0 ? 0 : ALL_BITS),
    },
  ],
  list: (o, { numeric }) => {
    const words = bare(o.header ?? []);
    const shown = numeric ? `0x${bitsOf(table, words).toString(16).toUpperCase().padStart(2, '0')}` : words.join(',');
    return ` ipv6header flags:${isNot(o.header) ? '!' : ''}${shown}${o.soft === true ? ' soft' : ''}`;
  },
  finish: (o) => {
    mandatory(o, 'header');
    return o;
  },
});
