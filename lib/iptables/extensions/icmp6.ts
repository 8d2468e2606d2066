// -m icmp6 (linux/netfilter_ipv6/ip6_tables.h, struct ip6t_icmp; libip6t_icmp6.c). The real tools know it as icmpv6 and ipv6-icmp too.
import { isNot, match, type Not, notOption, type Value } from './codec.ts';
import { ICMP, type IcmpNames, type IcmpType, parseIcmpType, readIcmpType, writeIcmpType } from './icmp.ts';
import { bare, mandatory } from './option-values.ts';

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

const type: Value<IcmpType> = {
  parse: ([word]) => parseIcmpType(word as string, names, 'ICMPv6'),
  format: ({ type, code }) => [code === undefined ? String(type) : `${type}/${code}`],
};

/** The real program leaves out the blank before a number that isn't inverted. */
function listType(option: Not<IcmpType>, numeric: boolean): string {
  const { type, code } = bare<IcmpType>(option);
  const name = numeric ? undefined : names.find(([, t, c]) => t === type && c === code)?.[0];
  if (name !== undefined) return ` ${isNot(option) ? '!' : ''}${name}`;
  return `${isNot(option) ? ' !' : ''}type ${type}${code === undefined ? '' : ` code ${code}`}`;
}

export const icmp6 = match('icmp6', {
  family: 'ip6',
  options: { 'icmpv6-type': notOption(type) },
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
  list: (o, { numeric }) => ` ipv6-icmp${o.icmpv6Type === undefined ? '' : listType(o.icmpv6Type, numeric)}`,
  finish: (o) => {
    mandatory(o, 'icmpv6Type');
    return o;
  },
});
