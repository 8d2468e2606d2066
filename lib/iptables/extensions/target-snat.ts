// -j SNAT (linux/netfilter/nf_nat.h; libxt_NAT.c).
import { flag, type OptionsOf, option, target } from './codec.ts';
import { mandatory } from './option-values.ts';
import { checkPorts, givenRange, natRange } from './target-nat-range.ts';
import {
  listFlags,
  multiRangeCompat,
  type NatView,
  NF_NAT_RANGE_MAP_IPS,
  NF_NAT_RANGE_PERSISTENT,
  NF_NAT_RANGE_PROTO_RANDOM,
  NF_NAT_RANGE_PROTO_RANDOM_FULLY,
  NF_NAT_RANGE_PROTO_SPECIFIED,
  natRevision,
  range1,
} from './target-nat-struct.ts';

const to = natRange(false);
const options = { 'to-source': option(to), random: flag(), 'random-fully': flag(), persistent: flag() };

const view: NatView<OptionsOf<typeof options>> = {
  flags:
    NF_NAT_RANGE_MAP_IPS |
    NF_NAT_RANGE_PROTO_SPECIFIED |
    NF_NAT_RANGE_PROTO_RANDOM |
    NF_NAT_RANGE_PROTO_RANDOM_FULLY |
    NF_NAT_RANGE_PERSISTENT,
  range: (o) => o.toSource ?? {},
  options: (range) => ({ toSource: givenRange(range) }),
};

export const SNAT = target('SNAT', {
  options,
  revisions: [natRevision(view, 0, multiRangeCompat, 'ip'), natRevision(view, 1, range1, 'ip6')],
  list: (o, c) => ` to:${to.format(o.toSource ?? {}, c)[0]}${listFlags(o)}`,
  finish: (o, c) => {
    mandatory(o, 'toSource');
    checkPorts(o.toSource.port, c);
    return o;
  },
});
