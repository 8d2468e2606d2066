// -m hl (linux/netfilter_ipv6/ip6t_hl.h, struct ip6t_hl_info; libip6t_hl.c).
import { match, notOption, type OptionsOf, option, spelling } from './codec.ts';
import { type Comparison, checkComparison, comparisonRevision, listComparison } from './hop-limit-match.ts';
import { unsigned } from './values.ts';

const u8 = unsigned(255);
/** In the order the save commands print. */
const options = {
  'hl-eq': notOption(u8),
  hl: spelling('hl-eq', notOption(u8)),
  'hl-lt': option(u8),
  'hl-gt': option(u8),
} as const;
type Options = OptionsOf<typeof options>;

const keys = { eq: 'hlEq', lt: 'hlLt', gt: 'hlGt' } as const;
const comparisonOf = (o: Options): Comparison => ({ eq: o.hlEq, lt: o.hlLt, gt: o.hlGt });

export const hl = match('hl', {
  family: 'ip6',
  options,
  revisions: [comparisonRevision<Options>(comparisonOf, (by, limit) => ({ [keys[by]]: limit }))],
  list: (o) => listComparison('HL', comparisonOf(o)),
  finish: (o) => {
    checkComparison('hl', comparisonOf(o));
    return o;
  },
});
