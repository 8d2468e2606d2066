// iptables' objects as nf_tables operations: what iptables-nft sends for tables, builtin chains, user chains and rules.
import type { Counter } from '../../model/ruleset.ts';
import { Batch, type Named } from '../../nftables/batch.ts';
import { inferCompat } from '../../nftables/compat.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import { NFTA_CHAIN_HANDLE } from '../../nftables/input/chain.ts';
import { payloadAt } from '../../nftables/input/kind.ts';
import { chainTable } from '../../nftables/objects/chain.ts';
import { hookNumber } from '../../nftables/objects/hooks.ts';
import * as m from '../../nftables/objects/messages.ts';
import { ruleTable } from '../../nftables/objects/rule.ts';
import { tableTable } from '../../nftables/objects/table.ts';
import type { BuiltinChain } from '../builtin.ts';
import type { IpFamily } from '../extensions/codec.ts';

/** Where a rule goes: an end of its chain, or next to another rule. */
export type RulePlace = 'first' | 'last' | { readonly after: RuleName } | { readonly replace: bigint };
/** A rule in the kernel by handle, or one of this batch by its NFTA_RULE_ID. */
export type RuleName = { readonly handle: bigint } | { readonly id: number };

export interface RuleExtras {
  /** NFTA_RULE_ID, where later commands of the batch may name the rule. */
  readonly id?: number | undefined;
  /** What nft or others keep beside the expressions. */
  readonly userdata?: Uint8Array | undefined;
}

export interface ChainSettings {
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly counter?: Counter;
}

export class IptablesBatch {
  readonly batch: Batch = new Batch();
  readonly table: string;
  readonly #family: IpFamily;
  readonly #familyNumber: number;

  constructor(family: IpFamily, table: string, batch?: Batch) {
    this.#family = family;
    this.#familyNumber = m.families[family];
    this.table = table;
    if (batch !== undefined) this.batch = batch;
  }

  #push(type: number, flags: number, named: Named): number {
    return this.batch.push({ type, flags, family: this.#familyNumber }, named);
  }
  #tableName(verb: string): Named {
    return { verb, object: { table: { family: this.#family, name: this.table } } };
  }
  #chainName(verb: string, chain: string, index?: number): Named {
    return { verb, object: { chain: { family: this.#family, table: this.table, name: chain } }, ...(index === undefined ? {} : { index }) };
  }

  addTable(index?: number): void {
    tableTable.encode(this.batch.writer, { name: this.table, flags: [] });
    this.#push(m.NFT_MSG_NEWTABLE, m.NLM_F_CREATE, { ...this.#tableName('add'), ...(index === undefined ? {} : { index }) });
  }
  /** Deletes the table with all it holds; it must exist or have been added in this batch. */
  deleteTable(index?: number): void {
    tableTable.encode(this.batch.writer, { name: this.table });
    this.#push(m.NFT_MSG_DELTABLE, 0, { ...this.#tableName('delete'), ...(index === undefined ? {} : { index }) });
  }
  flushTable(index?: number): void {
    ruleTable.encode(this.batch.writer, { table: this.table });
    this.#push(m.NFT_MSG_DELRULE, 0, { ...this.#tableName('flush'), ...(index === undefined ? {} : { index }) });
  }

  /** Makes a builtin chain that isn't there: where it is, this would zero its counters. */
  addBuiltin(chain: BuiltinChain, settings: ChainSettings = {}, index?: number): void {
    chainTable.encode(this.batch.writer, {
      table: this.table,
      name: chain.name,
      hook: { hooknum: hookNumber(this.#family, chain.hook), priority: chain.prio },
      ...(settings.policy === undefined ? {} : { policy: settings.policy === 'ACCEPT' ? 'accept' : 'drop' }),
      type: chain.type,
      // From 1.8.10 on builtin chains count; so do ours, or their [packets:bytes] could not be saved.
      counters: { bytes: settings.counter?.bytes ?? 0n, packets: settings.counter?.packets ?? 0n },
    });
    this.#push(m.NFT_MSG_NEWCHAIN, m.NLM_F_CREATE, this.#chainName('add', chain.name, index));
  }
  /** Policy or counters of a builtin chain that exists; what isn't given stays. */
  changeBuiltin(chain: BuiltinChain, settings: ChainSettings, index?: number): void {
    chainTable.encode(this.batch.writer, {
      table: this.table,
      name: chain.name,
      ...(settings.policy === undefined ? {} : { policy: settings.policy === 'ACCEPT' ? 'accept' : 'drop' }),
      ...(settings.counter === undefined ? {} : { counters: { bytes: settings.counter.bytes, packets: settings.counter.packets } }),
    });
    this.#push(m.NFT_MSG_NEWCHAIN, m.NLM_F_CREATE, this.#chainName('set policy of', chain.name, index));
  }
  addChain(chain: string, exclusive: boolean, index?: number): void {
    chainTable.encode(this.batch.writer, { table: this.table, name: chain });
    this.#push(m.NFT_MSG_NEWCHAIN, m.NLM_F_CREATE | (exclusive ? m.NLM_F_EXCL : 0), this.#chainName('add', chain, index));
  }
  deleteChain(chain: string, index?: number): void {
    chainTable.encode(this.batch.writer, { table: this.table, name: chain });
    this.#push(m.NFT_MSG_DELCHAIN, m.NLM_F_NONREC, this.#chainName('delete', chain, index));
  }
  flushChain(chain: string, index?: number): void {
    ruleTable.encode(this.batch.writer, { table: this.table, chain });
    this.#push(m.NFT_MSG_DELRULE, 0, this.#chainName('flush', chain, index));
  }
  renameChain(chain: string, to: string, index?: number): void {
    const { writer } = this.batch;
    const start = writer.length;
    chainTable.encode(writer, { table: this.table, handle: 0n, name: to });
    const at = payloadAt(writer, start, NFTA_CHAIN_HANDLE);
    const lookup = { kind: 'chain handle', family: this.#familyNumber, table: this.table, chain, at } as const;
    this.batch.push({ type: m.NFT_MSG_NEWCHAIN, flags: 0, family: this.#familyNumber, lookup }, this.#chainName('rename', chain, index));
  }

  addRule(chain: string, expressions: readonly AnyExpression[], place: RulePlace, named: Named, o: RuleExtras = {}): number {
    const { id, userdata } = o;
    const compat = inferCompat(this.#family, expressions);
    const after = typeof place === 'object' && 'after' in place ? place.after : undefined;
    const replaced = typeof place === 'object' && 'replace' in place ? place.replace : undefined;
    ruleTable.encode(this.batch.writer, {
      table: this.table,
      chain,
      ...(replaced === undefined ? {} : { handle: replaced }),
      ...(after !== undefined && 'handle' in after ? { position: after.handle } : {}),
      expressions,
      ...(compat === undefined ? {} : { compat }),
      ...(userdata === undefined ? {} : { userdata }),
      ...(id === undefined ? {} : { id }),
      ...(after !== undefined && 'id' in after ? { positionId: after.id } : {}),
    });
    const flags = replaced !== undefined ? m.NLM_F_REPLACE : place === 'first' ? m.NLM_F_CREATE : m.NLM_F_CREATE | m.NLM_F_APPEND;
    return this.#push(m.NFT_MSG_NEWRULE, flags, named);
  }
  deleteRule(chain: string, rule: RuleName, named: Named): void {
    ruleTable.encode(this.batch.writer, { table: this.table, chain, ...('handle' in rule ? { handle: rule.handle } : { id: rule.id }) });
    this.#push(m.NFT_MSG_DELRULE, 0, named);
  }
}
