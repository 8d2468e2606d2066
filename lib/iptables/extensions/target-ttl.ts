// -j TTL (linux/netfilter_ipv4/ipt_TTL.h, struct ipt_TTL_info; libipt_TTL.c).
import { type OptionsOf, option, target } from './codec.ts';
import { type Change, checkLimit, limitRevision, listLimit } from './hop-limit.ts';
import { unsigned } from './values.ts';

const options = { 'ttl-set': option(unsigned(255)), 'ttl-dec': option(unsigned(255, 1)), 'ttl-inc': option(unsigned(255, 1)) } as const;
type Options = OptionsOf<typeof options>;

const keys = { set: 'ttlSet', inc: 'ttlInc', dec: 'ttlDec' } as const;
const changeOf = (o: Options): Change => ({ set: o.ttlSet, inc: o.ttlInc, dec: o.ttlDec });

export const TTL_TARGET = target('TTL', {
  family: 'ip',
  options,
  revisions: [limitRevision<Options>(changeOf, (way, by) => ({ [keys[way]]: by }))],
  list: (o) => listLimit('TTL', changeOf(o)),
  finish: (o) => {
    checkLimit(changeOf(o));
    return o;
  },
});
