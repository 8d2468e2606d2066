// Hooks and their numbers per family, and priorities by name (linux/netfilter.h, netfilter_ipv4.h, netfilter_bridge.h,
// netfilter_arp.h; the names are nft(8)'s).
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';

type Numbers = Readonly<Record<string, number>>;
const inetHooks: Numbers = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4, ingress: 5 };
const hooks: Readonly<Record<Family, Numbers>> = {
  ip: inetHooks,
  ip6: inetHooks,
  inet: inetHooks,
  bridge: inetHooks,
  arp: { input: 0, output: 1, forward: 2 },
  netdev: { ingress: 0, egress: 1 },
};

const inetPriorities: Numbers = { raw: -300, mangle: -150, dstnat: -100, filter: 0, security: 50, srcnat: 100 };
const priorities: Readonly<Record<Family, Numbers>> = {
  ip: inetPriorities,
  ip6: inetPriorities,
  inet: inetPriorities,
  bridge: { dstnat: -300, filter: -200, out: 100, srcnat: 300 },
  arp: { filter: 0 },
  netdev: { filter: 0 },
};

export function hookNumber(family: Family, hook: unknown): number {
  const number = typeof hook === 'string' && Object.hasOwn(hooks[family], hook) ? hooks[family][hook] : undefined;
  if (number === undefined)
    throw new EncodeError('hook', `unknown hook ${show(hook)} of family ${family}, one of ${Object.keys(hooks[family]).join(', ')}`);
  return number;
}

export function hookName(family: Family, number: number): string {
  return Object.entries(hooks[family] ?? {}).find(([, n]) => n === number)?.[0] ?? String(number);
}

/** A number, a name, or a name with an offset: `filter`, `filter + 10`, `dstnat-5`. */
export function priority(family: Family, prio: unknown): number {
  if (typeof prio === 'number') return prio;
  const parts = typeof prio === 'string' ? /^(-?\d+|[a-z]+)\s*(?:([+-])\s*(\d+))?$/.exec(prio.trim()) : null;
  const base = parts?.[1] === undefined ? undefined : /\d$/.test(parts[1]) ? Number(parts[1]) : priorities[family][parts[1]];
  if (base === undefined)
    throw new EncodeError('prio', `unknown priority ${show(prio)}, a number or one of ${Object.keys(priorities[family]).join(', ')}`);
  const offset = Number(parts?.[3] ?? 0);
  return parts?.[2] === '-' ? base - offset : base + offset;
}
