// The tables and builtin chains of iptables, and how iptables-nft registers them (nft.c xtables_ipv4: builtin_table).
import { targetNames } from './extensions/registry.ts';
import { fits } from './extensions/values.ts';
import { standardTargets } from './rule/base-options.ts';

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

/** XT_EXTENSION_MAXNAMELEN is 29 with its NUL. */
const CHAIN_MAX = 28;

/** Why a name cannot be a chain's, or undefined (xshared.c assert_valid_chain_name). */
export function chainNameError(name: string): string | undefined {
  if (name === '') return 'a chain name is missing';
  let plain = true;
  for (let i = 0; i < name.length; i++) {
    const code = name.charCodeAt(i);
    plain &&= code > 32 && code < 127;
  }
  // Nearly every name.
  if (plain && name.length <= CHAIN_MAX && !name.startsWith('-') && !name.startsWith('!')) return undefined;
  if (name.includes('\0')) return `chain name ${JSON.stringify(name)} holds a NUL`;
  if (!fits(name, CHAIN_MAX)) return `chain name "${name}" is too long, ${CHAIN_MAX} bytes are allowed`;
  if (name.startsWith('-') || name.startsWith('!')) return `chain name "${name}" must not begin with "${name[0]}"`;
  if (/\s/.test(name)) return `chain name "${name}" contains a blank`;
  return undefined;
}

/**
 * Why no chain can be made under a name, or undefined: `-j LOG` could never mean a chain LOG. In save text, as with the real program, only the
 * verdicts are taken.
 */
export function newChainError(name: string, text = false): string | undefined {
  const reason = chainNameError(name);
  if (reason !== undefined) return reason;
  const taken = standardTargets.has(name) || (!text && targetNames.has(name));
  return taken ? `chain name "${name}" may not clash with target name` : undefined;
}

/** What ENOENT says of a chain. */
export function noChain(table: string, chain: string): string {
  return `no chain ${chain} in table ${table}`;
}

/** Why a builtin chain is not deleted. */
export function builtinStays(table: string, chain: string): string {
  return `${chain} is a builtin chain of table ${table}: those are not deleted`;
}
