// -j DNAT (linux/netfilter/nf_nat.h; libxt_NAT.c). Revision 2 has the base port, for both families.
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
  NF_NAT_RANGE_PROTO_SPECIFIED,
  natRevision,
  range1,
  range2,
} from './target-nat-struct.ts';

const to = natRange(true);
const options = { 'to-destination': option(to), random: flag(), persistent: flag() };

const view: NatView<OptionsOf<typeof options>> = {
  flags: NF_NAT_RANGE_MAP_IPS | NF_NAT_RANGE_PROTO_SPECIFIED | NF_NAT_RANGE_PROTO_RANDOM | NF_NAT_RANGE_PERSISTENT,
  range: (o) => o.toDestination ?? {},
  options: (range) => ({ toDestination: givenRange(range) }),
};

export const DNAT = target('DNAT', {
  options,
  revisions: [natRevision(view, 0, multiRangeCompat, 'ip'), natRevision(view, 1, range1, 'ip6'), natRevision(view, 2, range2)],
  list: (o, c) => ` to:${to.format(o.toDestination ?? {}, c)[0]}${listFlags(o)}`,
  finish: (o, c) => {
    mandatory(o, 'toDestination');
    checkPorts(o.toDestination.port, c);
    return o;
  },
});
