// -m ttl (linux/netfilter_ipv4/ipt_ttl.h, struct ipt_ttl_info; libipt_ttl.c).
import { match, notOption, type OptionsOf, option, spelling } from './codec.ts';
import { type Comparison, checkComparison, comparisonRevision, listComparison } from './hop-limit-match.ts';
import { unsigned } from './values.ts';

const u8 = unsigned(255);
/** In the order the save commands print. */
const options = {
  'ttl-eq': notOption(u8),
  ttl: spelling('ttl-eq', notOption(u8)),
  'ttl-lt': option(u8),
  'ttl-gt': option(u8),
} as const;
type Options = OptionsOf<typeof options>;

const keys = { eq: 'ttlEq', lt: 'ttlLt', gt: 'ttlGt' } as const;
const comparisonOf = (o: Options): Comparison => ({ eq: o.ttlEq, lt: o.ttlLt, gt: o.ttlGt });

export const ttl = match('ttl', {
  family: 'ip',
  options,
  revisions: [comparisonRevision<Options>(comparisonOf, (by, limit) => ({ [keys[by]]: limit }))],
  list: (o) => listComparison('TTL', comparisonOf(o)),
  finish: (o) => {
    checkComparison('ttl', comparisonOf(o));
    return o;
  },
});
