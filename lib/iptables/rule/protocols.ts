// Protocol numbers and names. The names are those of /etc/protocols as netbase and IANA have them, and libxtables' own
// (xtables_chain_protos): a table here, so that a rule reads and prints the same on every host.
import { type Value, ValueError } from '../extensions/codec.ts';
import { parseUnsigned } from '../extensions/values.ts';

/** The name iptables prints for each number that has one. */
const names: Readonly<Record<number, string>> = {
  1: 'icmp',
  2: 'igmp',
  3: 'ggp',
  4: 'ipencap',
  5: 'st',
  6: 'tcp',
  8: 'egp',
  9: 'igp',
  12: 'pup',
  17: 'udp',
  20: 'hmp',
  22: 'xns-idp',
  27: 'rdp',
  29: 'iso-tp4',
  33: 'dccp',
  36: 'xtp',
  37: 'ddp',
  38: 'idpr-cmtp',
  41: 'ipv6',
  43: 'ipv6-route',
  44: 'ipv6-frag',
  45: 'idrp',
  46: 'rsvp',
  47: 'gre',
  50: 'esp',
  51: 'ah',
  57: 'skip',
  58: 'ipv6-icmp',
  59: 'ipv6-nonxt',
  60: 'ipv6-opts',
  73: 'rspf',
  81: 'vmtp',
  88: 'eigrp',
  89: 'ospf',
  93: 'ax.25',
  94: 'ipip',
  97: 'etherip',
  98: 'encap',
  103: 'pim',
  108: 'ipcomp',
  112: 'vrrp',
  115: 'l2tp',
  124: 'isis',
  132: 'sctp',
  133: 'fc',
  135: 'mobility-header',
  136: 'udplite',
  137: 'mpls-in-ip',
  138: 'manet',
  139: 'hip',
  140: 'shim6',
  141: 'wesp',
  142: 'rohc',
  143: 'ethernet',
};
const numbers = new Map<string, number>(Object.entries(names).map(([number, name]) => [name, Number(number)]));
for (const [name, number] of [
  ['ip', 0],
  ['all', 0],
  ['hopopt', 0],
  ['icmpv6', 58],
  ['ipv6-mh', 135],
  ['mh', 135],
] as const)
  numbers.set(name, number);

/** The number of `tcp`, `TCP`, `6`, `0x6`, `all`; undefined for what is no protocol. */
export function protocolNumber(word: string): number | undefined {
  return numbers.get(word) ?? numbers.get(word.toLowerCase()) ?? parseUnsigned(word, 255);
}

/** The name iptables prints, or the number where there is none. */
export function protocolName(number: number): string | number {
  return names[number] ?? number;
}

/** A protocol as extensions have it: by name or number, printed as a number. */
export const protocol: Value<number> = {
  parse: ([word]) => {
    const number = protocolNumber(word as string);
    if (number === undefined) throw new ValueError(`unknown protocol "${word}" specified`);
    return number;
  },
  format: (n) => [String(n)],
};
