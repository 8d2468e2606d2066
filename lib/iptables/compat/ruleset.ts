// The iptables tables of a picture of nf_tables: which tables and chains iptables-nft would show, in the order it prints
// them, and what it would call incompatible.

import { rulesWhere } from '../../model/filter.ts';
import type { Chain, Counter, Family, Place, Ruleset, Table } from '../../model/ruleset.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { ChainAttributes } from '../../nftables/objects/chain.ts';
import { hookName } from '../../nftables/objects/hooks.ts';
import type { Decoded, Picture } from '../../nftables/picture.ts';
import { jsonSafe } from '../../wire/json.ts';
import { builtinChain } from '../builtin.ts';
import { bySaveOrder } from '../chain-order.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { isForeign } from '../installed.ts';
import type { ForeignRule, IptablesRule, RuleSpec } from '../rule-spec.ts';
import { isCompatible } from './decode.ts';
import { CompatRule } from './installed.ts';

/** nft.h enum nft_table_type. */
const savedOrder = ['mangle', 'security', 'raw', 'filter', 'nat'] as const;

export class CompatRuleset implements Ruleset<IptablesRule> {
  readonly backend = 'nft';
  readonly generation: number;
  /** In the order of iptables-nft-save. */
  readonly tables: readonly CompatTable[];

  constructor(picture: Picture, bytes: BytesContext, only?: readonly string[]) {
    this.generation = picture.generation;
    const names = new Set(picture.tables.filter((t) => t.family === bytes.family).map((t) => t.attributes.name));
    this.tables = savedOrder
      .filter((name) => names.has(name) && (only === undefined || only.includes(name)))
      .map((name) => new CompatTable(name, picture, bytes));
  }

  table(family: Family, name: string): CompatTable | undefined {
    return this.tables.find((t) => t.family === family && t.name === name);
  }

  rules(where: Partial<Place> & { readonly comment?: string | RegExp } = {}): IterableIterator<IptablesRule> {
    return rulesWhere(this.tables, where);
  }

  toJSON(): unknown {
    const { backend, generation, tables } = this;
    return jsonSafe({ backend, generation, tables });
  }
}

export class CompatTable implements Table<IptablesRule> {
  readonly family: Family;
  readonly name: string;
  readonly chains: readonly Chain<IptablesRule>[];
  /** Base chains that aren't registered as iptables registers its own: hidden from iptables, and named in the save text. */
  readonly hiddenChains: readonly string[];
  readonly sets: readonly [] = [];
  readonly objects: readonly [] = [];
  readonly flowtables: readonly [] = [];

  constructor(name: string, picture: Picture, bytes: BytesContext) {
    this.family = bytes.family;
    this.name = name;
    const mine = picture.chains.filter((c) => c.family === bytes.family && c.attributes.table === name);
    const shown = mine.filter((c) => isIptablesChain(name, c.family, c.attributes));
    this.hiddenChains = mine.filter((c) => !shown.includes(c)).map((c) => c.attributes.name ?? '');
    const rows = new Map(picture.rules.chains.filter((r) => r.family === bytes.family && r.table === name).map((r) => [r.chain, r]));
    this.chains = shown
      .map((c) => {
        const { start = 0, end = 0 } = rows.get(c.attributes.name ?? '') ?? {};
        return compatChain(c, end - start, () =>
          Array.from({ length: end - start }, (_, i) => new CompatRule(picture.rules, start + i, bytes)),
        );
      })
      .sort(bySaveOrder(name));
  }

  chain(name: string): Chain<IptablesRule> | undefined {
    return this.chains.find((c) => c.name === name);
  }

  /** Otherwise iptables-nft leaves out the table. */
  canPrint(spec: RuleSpec | ForeignRule): boolean {
    return !isForeign(spec) || spec.expressions.every((e) => isCompatible(e as AnyExpression));
  }
}

/** A user chain, or a base chain with exactly the type, hook and priority of a builtin one (nft.c nft_is_chain_compatible). */
export function isIptablesChain(table: string, family: Family, c: ChainAttributes): boolean {
  const { hook, name = '', type } = c;
  if (hook === undefined) return true;
  const builtin = builtinChain(table, name);
  return (
    builtin !== undefined &&
    hookName(family, hook.hooknum ?? -1) === builtin.hook &&
    hook.priority === builtin.prio &&
    type === builtin.type
  );
}

/** Whether rules of that chain see the packets its name promises: a chain INPUT without a hook, which the save shows, sees none. */
export function isUsableChain(table: string, family: Family, c: ChainAttributes): boolean {
  return isIptablesChain(table, family, c) && (c.hook !== undefined || builtinChain(table, c.name ?? '') === undefined);
}

function compatChain(d: Decoded<ChainAttributes>, length: number, read: () => IptablesRule[]): Chain<IptablesRule> {
  const a = d.attributes;
  let rules: IptablesRule[] | undefined;
  const policy = a.policy === 'accept' || a.policy === 'drop' ? { policy: a.policy } : {};
  const counter: { counter?: Counter } =
    a.counters === undefined ? {} : { counter: { packets: a.counters.packets ?? 0n, bytes: a.counters.bytes ?? 0n } };
  return {
    family: d.family,
    table: a.table ?? '',
    name: a.name ?? '',
    ...(a.handle === undefined ? {} : { handle: a.handle }),
    ...(a.type === undefined ? {} : { type: a.type }),
    ...(a.hook?.hooknum === undefined ? {} : { hook: hookName(d.family, a.hook.hooknum) }),
    ...(a.hook?.priority === undefined ? {} : { prio: a.hook.priority }),
    ...policy,
    ...counter,
    references: Math.max(0, (a.use ?? 0) - length),
    get rules() {
      rules ??= read();
      return rules;
    },
  };
}
