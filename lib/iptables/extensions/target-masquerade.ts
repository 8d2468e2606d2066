// -j MASQUERADE (linux/netfilter/nf_nat.h; libxt_NAT.c).
import { flag, type OptionsOf, option, target } from './codec.ts';
import { checkPorts, natPorts } from './target-nat-range.ts';
import {
  listFlags,
  multiRangeCompat,
  type NatView,
  NF_NAT_RANGE_PROTO_RANDOM,
  NF_NAT_RANGE_PROTO_RANDOM_FULLY,
  NF_NAT_RANGE_PROTO_SPECIFIED,
  natRevision,
  range1,
} from './target-nat-struct.ts';

const options = { 'to-ports': option(natPorts), random: flag(), 'random-fully': flag() };

const view: NatView<OptionsOf<typeof options>> = {
  flags: NF_NAT_RANGE_PROTO_SPECIFIED | NF_NAT_RANGE_PROTO_RANDOM | NF_NAT_RANGE_PROTO_RANDOM_FULLY,
  range: (o) => (o.toPorts === undefined ? {} : { port: o.toPorts }),
  options: ({ port }) => (port === undefined ? {} : { toPorts: port }),
};

export const MASQUERADE = target('MASQUERADE', {
  options,
  revisions: [natRevision(view, 0, multiRangeCompat, 'ip'), natRevision(view, 0, range1, 'ip6')],
  list: (o, c) => (o.toPorts === undefined ? '' : ` masq ports: ${natPorts.format(o.toPorts, c)[0]}`) + listFlags(o),
  finish: (o, c) => {
    checkPorts(o.toPorts, c);
    return o;
  },
});
