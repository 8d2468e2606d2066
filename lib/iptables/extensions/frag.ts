// -m frag (linux/netfilter_ipv6/ip6t_frag.h, struct ip6t_frag; libip6t_frag.c).
import { flag, isNot, match, notOption, type OptionsOf } from './codec.ts';
import { isWhole, listRange, numberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, exclusive, type Reading, withNot, without } from './option-values.ts';
import { checkFlags, flagsOf } from './struct-flags.ts';
import { unsigned } from './values.ts';

const MAX = 0xffffffff;
const options = {
  fragid: notOption(numberRange(MAX)),
  fraglen: notOption(unsigned(MAX)),
  fragres: flag(),
  fragfirst: flag(),
  fragmore: flag(),
  fraglast: flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** IP6T_FRAG_*. */
const IDS = 0x01;
const LEN = 0x02;
/** Options that are one bit each, and their words in -L. */
const flags = [
  { key: 'fragres', bit: 0x04, word: 'reserved' },
  { key: 'fragfirst', bit: 0x08, word: 'first' },
  { key: 'fragmore', bit: 0x10, word: 'more' },
  { key: 'fraglast', bit: 0x20, word: 'last' },
] as const;
const KNOWN = 0x3f;

/** __u32 ids[2], hdrlen; __u8 flags, invflags */
const FRAG = { first: 0, last: 4, length: 8, flags: 12, invert: 13, size: 16 } as const;

function refuseMoreAndLast(o: Options): Options {
  exclusive(o, 'fragmore', 'fraglast');
  return o;
}

export const frag = match('frag', {
  family: 'ip6',
  options,
  revisions: [
    {
      revision: 0,
      size: FRAG.size,
      write: (o, s) => {
        const [first, last] = o.fragid === undefined ? [0, MAX] : rangeEnds(bare(o.fragid));
        s.setU32(FRAG.first, first);
        s.setU32(FRAG.last, last);
        s.setU32(FRAG.length, bare(o.fraglen ?? 0));
        const set = flagsOf([[o.fragid, IDS], [o.fraglen, LEN], ...flags.map(({ key, bit }) => [o[key], bit] as const)]);
        s.setU8(FRAG.flags, set.flags);
        s.setU8(FRAG.invert, set.inverted);
      },
      read: (s) => {
        const set = s.u8(FRAG.flags);
        const inverted = s.u8(FRAG.invert);
        checkFlags(set, KNOWN, inverted, IDS | LEN);
        const out: Reading<Options> = {};
        // The kernel compares with the range whether the bit is set or not, and the real save prints it.
        const every = s.u32(FRAG.first) === 0 && s.u32(FRAG.last) === MAX;
        if ((set & IDS) !== 0 || !every) out.fragid = withNot(rangeOf(s.u32(FRAG.first), s.u32(FRAG.last)), (inverted & IDS) !== 0);
        if ((set & LEN) !== 0) out.fraglen = withNot(s.u32(FRAG.length), (inverted & LEN) !== 0);
        for (const { key, bit } of flags) if ((set & bit) !== 0) out[key] = true;
        return refuseMoreAndLast(out);
      },
      canonical: (s) => {
        const every = s.u32(FRAG.first) === 0 && s.u32(FRAG.last) === MAX && (s.u8(FRAG.invert) & IDS) === 0;
        s.setU8(FRAG.flags, every ? s.u8(FRAG.flags) & ~IDS : s.u8(FRAG.flags) | IDS);
      },
    },
  ],
  shown: (o) => (isWhole(o.fragid, MAX) ? without(o, 'fragid') : o),
  list: (o) => {
    const length = o.fraglen === undefined ? '' : ` length:${isNot(o.fraglen) ? '!' : ''}${bare(o.fraglen)}`;
    const words = flags.map(({ key, word }) => (o[key] === true ? ` ${word}` : ''));
    return ` frag ${listRange('id', o.fragid, MAX).trimStart()}${length}${words.join('')}`;
  },
  finish: refuseMoreAndLast,
});
