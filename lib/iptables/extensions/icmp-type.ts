// What -m icmp and -m icmp6 have alike: a type, by name or number, and the struct (linux/netfilter_ipv4/ip_tables.h, struct ipt_icmp;
// linux/netfilter_ipv6/ip6_tables.h, struct ip6t_icmp; libxt_icmp.h).
import { isNot, type Not, type Value, ValueError } from './codec.ts';
import { bare, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { parseUnsigned } from './values.ts';

/** Without a code, any. */
export interface IcmpType {
  readonly type: number;
  readonly code?: number;
}
/** Name, type, and code where the name stands for one. */
export type IcmpNames = readonly (readonly [name: string, type: number, code?: number])[];

/** A name shortened as far as it stays clear, or `type[/code]`. */
function parse(word: string, names: IcmpNames, what: 'ICMP' | 'ICMPv6'): IcmpType {
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

/** Printed as numbers. */
export function icmpType(what: 'ICMP' | 'ICMPv6', names: IcmpNames): Value<IcmpType> {
  return {
    parse: ([word]) => parse(word as string, names, what),
    format: ({ type, code }) => [code === undefined ? String(type) : `${type}/${code}`],
  };
}

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

/** The real programs leave out the blank before a number that isn't inverted. */
export function listIcmpType(option: Not<IcmpType>, names: IcmpNames, numeric: boolean): string {
  const { type, code } = bare<IcmpType>(option);
  const name = numeric ? undefined : names.find(([, t, c]) => t === type && c === code)?.[0];
  if (name !== undefined) return ` ${isNot(option) ? '!' : ''}${name}`;
  return `${isNot(option) ? ' !' : ''}type ${type}${code === undefined ? '' : ` code ${code}`}`;
}
