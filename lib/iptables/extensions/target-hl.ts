// -j HL (linux/netfilter_ipv6/ip6t_HL.h, struct ip6t_HL_info; libip6t_HL.c).
import { type OptionsOf, option, target } from './codec.ts';
import { type Change, checkLimit, limitRevision, listLimit } from './hop-limit.ts';
import { unsigned } from './values.ts';

const options = { 'hl-set': option(unsigned(255)), 'hl-dec': option(unsigned(255, 1)), 'hl-inc': option(unsigned(255, 1)) } as const;
type Options = OptionsOf<typeof options>;

const keys = { set: 'hlSet', inc: 'hlInc', dec: 'hlDec' } as const;
const changeOf = (o: Options): Change => ({ set: o.hlSet, inc: o.hlInc, dec: o.hlDec });

export const HL_TARGET = target('HL', {
  family: 'ip6',
  options,
  revisions: [limitRevision<Options>(changeOf, (way, by) => ({ [keys[way]]: by }))],
  list: (o) => listLimit('HL', changeOf(o)),
  finish: (o) => {
    checkLimit(changeOf(o));
    return o;
  },
});
