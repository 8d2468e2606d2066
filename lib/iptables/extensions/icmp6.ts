// -m icmp6 (linux/netfilter_ipv6/ip6_tables.h, struct ip6t_icmp; libip6t_icmp6.c). The real tools know it as icmpv6 and ipv6-icmp too.
import { match, notOption } from './codec.ts';
import { ICMP, type IcmpNames, icmpType, listIcmpType, readIcmpType, writeIcmpType } from './icmp-type.ts';
import { mandatory } from './option-values.ts';

/** The multicast listener's since 1.8.10. */
const names: IcmpNames = [
  ['destination-unreachable', 1],
  ['no-route', 1, 0],
  ['communication-prohibited', 1, 1],
  ['beyond-scope', 1, 2],
  ['address-unreachable', 1, 3],
  ['port-unreachable', 1, 4],
  ['failed-policy', 1, 5],
  ['reject-route', 1, 6],
  ['packet-too-big', 2],
  ['time-exceeded', 3],
  ['ttl-exceeded', 3],
  ['ttl-zero-during-transit', 3, 0],
  ['ttl-zero-during-reassembly', 3, 1],
  ['parameter-problem', 4],
  ['bad-header', 4, 0],
  ['unknown-header-type', 4, 1],
  ['unknown-option', 4, 2],
  ['echo-request', 128],
  ['ping', 128],
  ['echo-reply', 129],
  ['pong', 129],
  ['mld-listener-query', 130],
  ['mld-listener-report', 131],
  ['mld-listener-done', 132],
  ['mld-listener-reduction', 132],
  ['router-solicitation', 133],
  ['router-advertisement', 134],
  ['neighbour-solicitation', 135],
  ['neighbor-solicitation', 135],
  ['neighbour-advertisement', 136],
  ['neighbor-advertisement', 136],
  ['redirect', 137],
];

export const icmp6 = match('icmp6', {
  family: 'ip6',
  options: { 'icmpv6-type': notOption(icmpType('ICMPv6', names)) },
  protocols: [58],
  revisions: [
    {
      revision: 0,
      size: ICMP.size,
      write: (o, s) => {
        if (o.icmpv6Type !== undefined) writeIcmpType(o.icmpv6Type, s);
      },
      read: (s) => ({ icmpv6Type: readIcmpType(s) }),
    },
  ],
  list: (o, { numeric }) => ` ipv6-icmp${o.icmpv6Type === undefined ? '' : listIcmpType(o.icmpv6Type, names, numeric)}`,
  finish: (o) => {
    mandatory(o, 'icmpv6Type');
    return o;
  },
});
