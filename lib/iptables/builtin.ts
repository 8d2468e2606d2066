// The tables and builtin chains of iptables, and how iptables-nft registers them (nft.c xtables_ipv4: builtin_table).
import type { IpFamily } from './extensions/codec.ts';

export interface BuiltinChain {
  readonly name: string;
  readonly hook: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';
  readonly type: 'filter' | 'nat' | 'route';
  readonly prio: number;
}

function chains(type: BuiltinChain['type'], prio: number, ...hooks: readonly BuiltinChain['hook'][]): BuiltinChain[] {
  return hooks.map((hook) => ({ name: hook.toUpperCase(), hook, type, prio }));
}

/** In the order the save commands print them: by hook. */
const tables: Readonly<Record<string, readonly BuiltinChain[]>> = {
  filter: chains('filter', 0, 'input', 'forward', 'output'),
  nat: [
    ...chains('nat', -100, 'prerouting'),
    ...chains('nat', 100, 'input'),
    ...chains('nat', -100, 'output'),
    ...chains('nat', 100, 'postrouting'),
  ],
  mangle: [
    ...chains('filter', -150, 'prerouting', 'input', 'forward'),
    ...chains('route', -150, 'output'),
    ...chains('filter', -150, 'postrouting'),
  ],
  raw: chains('filter', -300, 'prerouting', 'output'),
  // Legacy registers security at 50; iptables-nft at 150.
  security: chains('filter', 150, 'input', 'forward', 'output'),
};

export const tableNames: readonly string[] = Object.keys(tables);

export function builtinChains(table: string): readonly BuiltinChain[] | undefined {
  return Object.hasOwn(tables, table) ? tables[table] : undefined;
}

export function builtinChain(table: string, chain: string): BuiltinChain | undefined {
  return builtinChains(table)?.find((c) => c.name === chain);
}

export const programs: Readonly<Record<IpFamily, string>> = { ip: 'iptables', ip6: 'ip6tables' };
