// -m icmp (linux/netfilter_ipv4/ip_tables.h, struct ipt_icmp; libxt_icmp.c).
import { isNot, match, type Not, notOption, type Value, ValueError } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { parseUnsigned } from './values.ts';

/** Type 255 without a code is any ICMP packet. Without a code, any. */
export interface IcmpType {
  readonly type: number;
  readonly code?: number;
}

const ANY = 255;
/** Name, type, and code where the name stands for one. */
export type IcmpNames = readonly (readonly [name: string, type: number, code?: number])[];
const names: IcmpNames = [
  ['any', ANY],
  ['echo-reply', 0],
  ['pong', 0],
  ['destination-unreachable', 3],
  ['network-unreachable', 3, 0],
  ['host-unreachable', 3, 1],
  ['protocol-unreachable', 3, 2],
  ['port-unreachable', 3, 3],
  ['fragmentation-needed', 3, 4],
  ['source-route-failed', 3, 5],
  ['network-unknown', 3, 6],
  ['host-unknown', 3, 7],
  ['network-prohibited', 3, 9],
  ['host-prohibited', 3, 10],
  ['TOS-network-unreachable', 3, 11],
  ['TOS-host-unreachable', 3, 12],
  ['communication-prohibited', 3, 13],
  ['host-precedence-violation', 3, 14],
  ['precedence-cutoff', 3, 15],
  ['source-quench', 4],
  ['redirect', 5],
  ['network-redirect', 5, 0],
  ['host-redirect', 5, 1],
  ['TOS-network-redirect', 5, 2],
  ['TOS-host-redirect', 5, 3],
  ['echo-request', 8],
  ['ping', 8],
  ['router-advertisement', 9],
  ['router-solicitation', 10],
  ['time-exceeded', 11],
  ['ttl-exceeded', 11],
  ['ttl-zero-during-transit', 11, 0],
  ['ttl-zero-during-reassembly', 11, 1],
  ['parameter-problem', 12],
  ['ip-header-bad', 12, 0],
  ['required-option-missing', 12, 1],
  ['timestamp-request', 13],
  ['timestamp-reply', 14],
  ['address-mask-request', 17],
  ['address-mask-reply', 18],
];

/** A name shortened as far as it stays clear, or `type[/code]`. */
export function parseIcmpType(word: string, names: IcmpNames, what: 'ICMP' | 'ICMPv6'): IcmpType {
  const lower = word.toLowerCase();
  const found = word === '' ? [] : names.filter(([name]) => name.toLowerCase().startsWith(lower));
  const named = found.find(([name]) => name.toLowerCase() === lower) ?? found[0];
  if (named !== undefined) {
    const [name, type, code] = named;
    if (found.length > 1 && name.toLowerCase() !== lower)
      throw new ValueError(`Ambiguous ${what} type \`${word}': ${found.map(([n]) => n).join(', ')}`);
    return code === undefined ? { type } : { type, code };
  }
  const slash = word.indexOf('/');
  const type = parseUnsigned(slash < 0 ? word : word.slice(0, slash), 255);
  if (type === undefined) throw new ValueError(`Unknown ${what} type \`${word}'`);
  if (slash < 0) return { type };
  const code = parseUnsigned(word.slice(slash + 1), 255);
  if (code === undefined) throw new ValueError(`Unknown ${what} code \`${word}'`);
  return { type, code };
}

const type: Value<IcmpType> = {
  parse: ([word]) => parseIcmpType(word as string, names, 'ICMP'),
  format: ({ type, code }) => [code === undefined ? (type === ANY ? 'any' : String(type)) : `${type}/${code}`],
};

/** Offsets in struct ipt_icmp, as in ip6t_icmp: __u8 type, code[2], invflags. */
export const ICMP = { type: 0, code: 1, invert: 3, size: 4 } as const;

export function writeIcmpType(option: Not<IcmpType>, s: Struct): void {
  const { type, code } = bare(option);
  s.setU8(ICMP.type, type);
  s.setU8(ICMP.code, code ?? 0);
  s.setU8(ICMP.code + 1, code ?? 255);
  s.setU8(ICMP.invert, isNot(option) ? 1 : 0);
}
export function readIcmpType(s: Struct): Not<IcmpType> {
  const type = s.u8(ICMP.type);
  const [min, max] = [s.u8(ICMP.code), s.u8(ICMP.code + 1)];
  const inverted = s.u8(ICMP.invert) !== 0;
  if (min === 0 && max === 255) return withNot<IcmpType>({ type }, inverted);
  if (min !== max) throw new ValueError(`no option stands for the codes ${min} to ${max}`);
  return withNot<IcmpType>({ type, code: min }, inverted);
}

export const icmp = match('icmp', {
  family: 'ip',
  options: { 'icmp-type': notOption(type) },
  protocols: [1],
  revisions: [
    {
      revision: 0,
      size: ICMP.size,
      write: (o, s) => writeIcmpType(o.icmpType ?? { type: ANY }, s),
      read: (s) => ({ icmpType: readIcmpType(s) }),
    },
  ],
  list: (o, { numeric }) => {
    if (o.icmpType === undefined) return '';
    const given = bare(o.icmpType);
    const name = numeric ? undefined : names.find(([, type, code]) => type === given.type && code === given.code)?.[0];
    const inverted = isNot(o.icmpType) ? ' !' : '';
    if (name !== undefined) return ` icmp${inverted || ' '}${name}`;
    const { type, code } = given;
    const codes = code === undefined ? '' : ` code ${code}`;
    // No blank where there is no `!`.
    return ` icmp${inverted}type ${type}${codes}`;
  },
  finish: (o) => {
    mandatory(o, 'icmpType');
    return o;
  },
});
