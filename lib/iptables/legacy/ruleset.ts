// Legacy tables as the one model of tables, chains and rules.
import { rulesWhere } from '../../model/filter.ts';
import type { Chain, Family, Place, Ruleset, Table } from '../../model/ruleset.ts';
import { jsonSafe } from '../../wire/json.ts';
import { builtinChain } from '../builtin.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { IptablesRule } from '../rule-spec.ts';
import { LegacyRule } from './installed.ts';
import type { LegacyChain, LegacyTable } from './table.ts';

/** Legacy registers `security` at 50, iptables-nft at 150 (NF_IP_PRI_SECURITY of linux/netfilter_ipv4.h). */
const SECURITY_PRIORITY = 50;

export class LegacyRuleset implements Ruleset<IptablesRule> {
  readonly backend = 'legacy';
  readonly tables: readonly LegacyTableView[];

  constructor(tables: readonly LegacyTable[], context: BytesContext) {
    this.tables = tables.map((t) => new LegacyTableView(t, context));
  }

  table(family: Family, name: string): LegacyTableView | undefined {
    return this.tables.find((t) => t.family === family && t.name === name);
  }

  rules(where: Partial<Place> & { readonly comment?: string | RegExp } = {}): IterableIterator<IptablesRule> {
    return rulesWhere(this.tables, where);
  }

  toJSON(): unknown {
    const { backend, tables } = this;
    return jsonSafe({ backend, tables });
  }
}

export class LegacyTableView implements Table<IptablesRule> {
  readonly family: Family;
  readonly name: string;
  readonly chains: readonly Chain<IptablesRule>[];
  readonly hiddenChains: readonly [] = [];
  readonly sets: readonly [] = [];
  readonly objects: readonly [] = [];
  readonly flowtables: readonly [] = [];

  constructor(table: LegacyTable, context: BytesContext) {
    this.family = table.family;
    this.name = table.name;
    const references = lazy(() => countJumps(table));
    this.chains = table.chains.map((c) => chainView(table, c, context, references));
  }

  chain(name: string): Chain<IptablesRule> | undefined {
    return this.chains.find((c) => c.name === name);
  }

  /** iptables-legacy prints any rule. */
  canPrint(): boolean {
    return true;
  }
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

/** Per chain how many rules jump or go there. */
function countJumps(table: LegacyTable): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (let row = 0; row < table.length; row++) {
    const chain = table.jumpOf(row);
    if (chain !== undefined) counts.set(chain, (counts.get(chain) ?? 0) + 1);
  }
  return counts;
}

function chainView(
  table: LegacyTable,
  c: LegacyChain,
  context: BytesContext,
  references: () => ReadonlyMap<string, number>,
): Chain<IptablesRule> {
  const builtin = c.hook === undefined ? undefined : builtinChain(table.name, c.name);
  const prio = table.name === 'security' ? SECURITY_PRIORITY : builtin?.prio;
  const rules = lazy(() => Array.from({ length: c.end - c.start }, (_, i) => new LegacyRule(table, c.start + i, context)));
  return {
    family: table.family,
    table: table.name,
    name: c.name,
    ...(builtin === undefined ? {} : { type: builtin.type }),
    ...(c.hook === undefined ? {} : { hook: c.hook, counter: table.counterAt(c.foot) }),
    ...(prio === undefined ? {} : { prio }),
    ...(c.policy === undefined ? {} : { policy: c.policy }),
    get references() {
      return references().get(c.name) ?? 0;
    },
    get rules() {
      return rules();
    },
  };
}
