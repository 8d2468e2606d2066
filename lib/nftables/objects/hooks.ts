// Hooks and their numbers per family, and priorities by name (linux/netfilter.h, netfilter_ipv4.h, netfilter_bridge.h,
// netfilter_arp.h; the names are nft(8)'s).
import type { Family } from '../../model/ruleset.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';

type Numbers = Readonly<Record<string, number>>;
const ipHooks: Numbers = { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 };
const hooks: Readonly<Record<Family, Numbers>> = {
  ip: ipHooks,
  ip6: ipHooks,
  inet: { ...ipHooks, ingress: 5 },
  bridge: ipHooks,
  // The kernel numbers forward, and has no chain there (nft_chain_filter_arp).
  arp: { input: 0, output: 1, forward: 2 },
  netdev: { ingress: 0, egress: 1 },
};
/** Of a flowtable, in every family. */
export const flowtableHooks: Numbers = { ingress: 0 };

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
  return hookOf(hooks[family], hook, `of family ${family}`);
}

/** A word, or the decimal text that hookName gives for a hook without one. */
export function hookOf(words: Numbers, hook: unknown, where: string): number {
  const number =
    typeof hook !== 'string' ? undefined : Object.hasOwn(words, hook) ? words[hook] : /^\d+$/.test(hook) ? Number(hook) : undefined;
  if (number === undefined) throw new EncodeError('hook', `unknown hook ${show(hook)} ${where}, one of ${Object.keys(words).join(', ')}`);
  return number;
}

export function hookName(family: Family, number: number): string {
  return hookWord(hooks[family] ?? {}, number);
}

export function hookWord(words: Numbers, number: number): string {
  return Object.entries(words).find(([, n]) => n === number)?.[0] ?? String(number);
}

/** A number, a name, or a name with an offset: `filter`, `filter + 10`, `dstnat-5`. */
export function priority(family: Family, prio: unknown): number {
  if (typeof prio === 'number') return prio;
  const names = priorities[family];
  const parts = typeof prio === 'string' ? /^(-?\d+|[a-z]+)\s*(?:([+-])\s*(\d+))?$/.exec(prio.trim()) : null;
  const word = parts?.[1] ?? '';
  const base = /\d$/.test(word) ? Number(word) : Object.hasOwn(names, word) ? names[word] : undefined;
  if (base === undefined)
    throw new EncodeError('prio', `unknown priority ${show(prio)}, a number or one of ${Object.keys(names).join(', ')}`);
  const offset = Number(parts?.[3] ?? 0);
  return parts?.[2] === '-' ? base - offset : base + offset;
}
