// -j REJECT (linux/netfilter_ipv4/ipt_REJECT.h, linux/netfilter_ipv6/ip6t_REJECT.h; libipt_REJECT.c, libip6t_REJECT.c).
// That tcp-reset needs -p tcp is the kernel's to say, as it is for the real tools.
import { type IpFamily, option, target, type Value, ValueError } from './codec.ts';

interface Type {
  readonly name: string;
  readonly alias: string;
  /** enum ipt_reject_with, enum ip6t_reject_with. */
  readonly with: number;
}
/** In the real tools' order: of several that a beginning fits, the first is taken. */
const ip = [
  { name: 'icmp-net-unreachable', alias: 'net-unreach', with: 0 },
  { name: 'icmp-host-unreachable', alias: 'host-unreach', with: 1 },
  { name: 'icmp-proto-unreachable', alias: 'proto-unreach', with: 2 },
  { name: 'icmp-port-unreachable', alias: 'port-unreach', with: 3 },
  { name: 'icmp-net-prohibited', alias: 'net-prohib', with: 5 },
  { name: 'icmp-host-prohibited', alias: 'host-prohib', with: 6 },
  { name: 'tcp-reset', alias: 'tcp-rst', with: 7 },
  { name: 'icmp-admin-prohibited', alias: 'admin-prohib', with: 8 },
] as const satisfies readonly Type[];
const ip6 = [
  { name: 'icmp6-no-route', alias: 'no-route', with: 0 },
  { name: 'icmp6-adm-prohibited', alias: 'adm-prohibited', with: 1 },
  { name: 'icmp6-addr-unreachable', alias: 'addr-unreach', with: 3 },
  { name: 'icmp6-port-unreachable', alias: 'port-unreach', with: 4 },
  { name: 'tcp-reset', alias: 'tcp-reset', with: 6 },
  { name: 'icmp6-policy-fail', alias: 'policy-fail', with: 7 },
  { name: 'icmp6-reject-route', alias: 'reject-route', with: 8 },
] as const satisfies readonly Type[];

/** What an ip rule may say, and what an ip6 rule may. */
export type RejectWith = (typeof ip)[number]['name'] | (typeof ip6)[number]['name'];
interface NamedType extends Type {
  readonly name: RejectWith;
}
const types: Readonly<Record<IpFamily, readonly NamedType[]>> = { ip, ip6 };
const fallback: Readonly<Record<IpFamily, RejectWith>> = { ip: 'icmp-port-unreachable', ip6: 'icmp6-port-unreachable' };

/** Any beginning of a name or alias, in either case. */
const rejectType: Value<RejectWith> = {
  parse: ([word], c) => {
    const begin = (word as string).toLowerCase();
    const found = types[c.family].find((t) => t.name.startsWith(begin) || t.alias.startsWith(begin));
    if (found === undefined) throw new ValueError(`unknown reject type "${word}"`);
    return found.name;
  },
  format: (name) => [name],
};

export const REJECT = target('REJECT', {
  options: { 'reject-with': option(rejectType) },
  revisions: [
    {
      revision: 0,
      size: 4,
      write: (o, s, c) => {
        const name = o.rejectWith ?? fallback[c.family];
        const found = types[c.family].find((t) => t.name === name);
        if (found === undefined) throw new ValueError(`unknown reject type "${name}"`);
        s.setU32(0, found.with);
      },
      read: (s, c) => {
        const found = types[c.family].find((t) => t.with === s.u32(0));
        if (found === undefined) throw new ValueError(`unknown reject type ${s.u32(0)}`);
        return { rejectWith: found.name };
      },
    },
  ],
  list: (o, c) => ` reject-with ${o.rejectWith ?? fallback[c.family]}`,
  finish: (o, c) => ({ rejectWith: o.rejectWith ?? fallback[c.family] }),
});
