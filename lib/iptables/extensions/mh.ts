// -m mh (linux/netfilter_ipv6/ip6t_mh.h, struct ip6t_mh; libip6t_mh.c).
import { isNot, match, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { isWhole, type NumberRange, rangeEnds, rangeOf } from './number-range.ts';
import { bare, withNot, without } from './option-values.ts';
import { checkFlags } from './struct-flags.ts';
import { parseUnsigned } from './values.ts';

const MAX = 255;
/** Name and short name of each type from 0 on. */
const names = [
  ['binding-refresh-request', 'brr'],
  ['home-test-init', 'hoti'],
  ['careof-test-init', 'coti'],
  ['home-test', 'hot'],
  ['careof-test', 'cot'],
  ['binding-update', 'bu'],
  ['binding-acknowledgement', 'ba'],
  ['binding-error', 'be'],
] as const;

/** A name, or the first that a beginning fits, in either case; else a number. */
function typeOf(word: string): number {
  const lower = word.toLowerCase();
  const whole = names.findIndex((both) => both.some((name) => name === lower));
  const type = whole >= 0 ? whole : names.findIndex((both) => both.some((name) => name.startsWith(lower)));
  const number = type >= 0 ? type : parseUnsigned(word, MAX);
  if (number === undefined) throw new ValueError(`Invalid MH type \`${word}'`);
  return number;
}

/** `type[:type]`; a side left out is 0 or 255. */
const types: Value<NumberRange> = {
  parse: ([word]) => {
    const text = word as string;
    const colon = text.indexOf(':');
    if (colon < 0) return typeOf(text);
    const first = colon === 0 ? 0 : typeOf(text.slice(0, colon));
    const last = colon === text.length - 1 ? MAX : typeOf(text.slice(colon + 1));
    if (first > last) throw new ValueError('Invalid MH type range (min > max)');
    return rangeOf(first, last);
  },
  format: (range) => [typeof range === 'number' ? String(range) : range.join(':')],
};

const options = { 'mh-type': notOption(types) } as const;
type Options = OptionsOf<typeof options>;

/** __u8 types[2], invflags */
const MH = { first: 0, last: 1, invert: 2, size: 3 } as const;
const INVERT_TYPE = 0x01;

const withoutAny = (o: Options): Options => (isWhole(o.mhType, MAX) ? without(o, 'mhType') : o);

export const mh = match('mh', {
  family: 'ip6',
  options,
  protocols: [135],
  revisions: [
    {
      revision: 0,
      size: MH.size,
      write: (o, s) => {
        const [first, last] = o.mhType === undefined ? [0, MAX] : rangeEnds(bare(o.mhType));
        s.setU8(MH.first, first);
        s.setU8(MH.last, last);
        s.setU8(MH.invert, isNot(o.mhType) ? INVERT_TYPE : 0);
      },
      read: (s) => {
        const [first, last] = [s.u8(MH.first), s.u8(MH.last)];
        const inverted = s.u8(MH.invert);
        checkFlags(INVERT_TYPE, INVERT_TYPE, inverted, INVERT_TYPE);
        if (first > last) throw new ValueError(`no option stands for the types ${first} to ${last}`);
        return withoutAny({ mhType: withNot(rangeOf(first, last), inverted !== 0) });
      },
    },
  ],
  list: (o, { numeric }) => {
    if (o.mhType === undefined) return ' mh';
    const range = bare<NumberRange>(o.mhType);
    const shown = (typeof range === 'number' ? [range] : range).map((type) => (numeric ? undefined : names[type]?.[0]) ?? type);
    return ` mh ${isNot(o.mhType) ? '!' : ''}${shown.join(':')}`;
  },
  finish: withoutAny,
});
