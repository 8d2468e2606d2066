// iptables' tables in this process's memory: lookups that ask no kernel for rules.
import { Recent } from '../../counters/recent.ts';
import { ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { Counter, Family } from '../../model/ruleset.ts';
import { builtinChain, builtinChains, noChain } from '../builtin.ts';
import { bySaveOrder } from '../chain-order.ts';
import type { BytesContext, IpFamily } from '../extensions/codec.ts';
import { InstalledIptablesRule } from '../installed.ts';
import { checkChain, checkTable, rulesOf, withoutCounter } from '../rule-input.ts';
import type { ForeignRule, IptablesRule, RuleInput, RuleSpec } from '../rule-spec.ts';
import { type KeyMaker, keyOfSpec } from './desired-keys.ts';
import { isForeignKey, specOfKey } from './rule-key.ts';
import type { ChainState } from './state.ts';
import type { SyncView } from './store.ts';

export interface MirrorChain extends ChainState {
  /** By place, where the kernel has them. */
  handle?(place: number): bigint;
  /** Of a rule that iptables has no words for. */
  foreign(place: number): ForeignRule;
}

/** How a backend keeps a mirror. */
export interface MirrorSource {
  /** The tables as they are; undefined where they have to be read anew, which is then under way. */
  view(): SyncView<MirrorChain> | undefined;
  /** Why they could not be read anew, where that was tried. */
  readonly failure: unknown;
  /** Reads them anew. */
  refresh(): Promise<void>;
  close(): void;
}

export interface Mirror {
  /** Whether a rule is there; no such chain: false. With several addresses, whether all are. */
  exists(table: string, chain: string, r: RuleInput): boolean;
  /** The rules of a chain, or of a table in the order iptables-save prints them, without counters. A user chain that isn't there: ENOENT. */
  list(table: string, chain?: string): readonly IptablesRule[];
  /** Of the ruleset that lookups answer from; nf_tables only, and not while stale. */
  readonly generation?: number;
  /** Lookups would throw ERR_STALE: the tables are being read anew. */
  readonly stale: boolean;
  /** Resolves when lookups answer from what the kernel held when this was called, or later. */
  refresh(): Promise<void>;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Rules in text whose keys are kept. */
const TEXTS = 1000;

export class IptablesMirror implements Mirror {
  readonly #family: IpFamily;
  readonly #tables: ReadonlySet<string>;
  readonly #keys: KeyMaker;
  readonly #own: BytesContext;
  readonly #source: MirrorSource;
  readonly #sets = new WeakMap<readonly string[], ReadonlySet<string>>();
  readonly #texts = new Recent<string, readonly string[]>(TEXTS);
  #closed = false;

  constructor(family: IpFamily, tables: readonly string[], keys: KeyMaker, own: BytesContext, source: MirrorSource) {
    this.#family = family;
    this.#tables = new Set(tables);
    this.#keys = keys;
    this.#own = own;
    this.#source = source;
  }

  // Undefined where there is none, which exactOptionalPropertyTypes does not let a getter say.
  get generation(): number {
    return (this.#closed ? undefined : this.#source.view()?.generation) as number;
  }
  get stale(): boolean {
    return this.#closed || this.#source.view() === undefined;
  }

  exists(table: string, chain: string, r: RuleInput): boolean {
    const keys = this.#keysOf(table, chain, r);
    const found = this.#view('exists', table).table(table).chains.get(chain)?.keys;
    if (found === undefined) return false;
    let set = this.#sets.get(found);
    if (set === undefined) this.#sets.set(found, (set = new Set(found)));
    return keys.every((key) => set.has(key));
  }

  list(table: string, chain?: string): readonly IptablesRule[] {
    checkTable(table);
    const { chains } = this.#view('list', table).table(table);
    if (chain !== undefined) {
      checkChain(chain);
      const found = chains.get(chain);
      if (found !== undefined) return this.#rules(table, found);
      if (builtinChain(table, chain) !== undefined) return [];
      throw new NetfilterError(noChain(table, chain), { code: 'ENOENT', errno: ENOENT });
    }
    const order = bySaveOrder(table);
    const hooks = new Map(builtinChains(table)?.map((c) => [c.name, c.hook]));
    const sorted = [...chains.values()]
      .map((c) => ({ name: c.name, ...(c.builtin ? { hook: hooks.get(c.name) ?? '' } : {}), chain: c }))
      .sort(order);
    return sorted.flatMap((c) => this.#rules(table, c.chain));
  }

  async refresh(): Promise<void> {
    this.#checkOpen('refresh');
    await this.#source.refresh();
  }
  close(): Promise<void> {
    this.#closed = true;
    this.#source.close();
    return Promise.resolve();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #keysOf(table: string, chain: string, r: RuleInput): readonly string[] {
    checkTable(table);
    checkChain(chain);
    const make = (): readonly string[] =>
      rulesOf(r, this.#family, chain).map((spec) => keyOfSpec(this.#keys, withoutCounter(spec), 'rule'));
    if (typeof r !== 'string') return make();
    // What a text means may depend on the chain alone.
    const text = `${chain}\0${r}`;
    let keys = this.#texts.get(text);
    if (keys === undefined) this.#texts.set(text, (keys = make()));
    return keys;
  }

  #rules(table: string, chain: MirrorChain): readonly IptablesRule[] {
    return chain.keys.map((key, index) => new MirroredRule({ family: this.#family, table, chain, index, key }, this.#own));
  }

  #view(what: string, table?: string): SyncView<MirrorChain> {
    this.#checkOpen(what);
    if (table !== undefined && !this.#tables.has(table))
      throw new NetfilterError(`${what}: table ${table} is not in this mirror, which has ${[...this.#tables].join(', ')}`, {
        code: 'ERR_INVALID_ARG',
      });
    const view = this.#source.view();
    if (view !== undefined) return view;
    throw new NetfilterError(`${what}: the mirror has lost track and is being read anew: await refresh()`, {
      code: 'ERR_STALE',
      ...(this.#source.failure === undefined ? {} : { cause: this.#source.failure }),
    });
  }

  #checkOpen(what: string): void {
    if (this.#closed) throw new NetfilterError(`${what}: the mirror is closed`, { code: 'ERR_CLOSED' });
  }
}

interface Mirrored {
  readonly family: IpFamily;
  readonly table: string;
  readonly chain: MirrorChain;
  readonly index: number;
  readonly key: string;
}

/** What it has counted is not known. */
class MirroredRule extends InstalledIptablesRule {
  readonly #of: Mirrored;

  constructor(of: Mirrored, own: BytesContext) {
    super(own);
    this.#of = of;
  }
  get family(): Family {
    return this.#of.family;
  }
  get table(): string {
    return this.#of.table;
  }
  get chain(): string {
    return this.#of.chain.name;
  }
  get index(): number {
    return this.#of.index;
  }
  // Absent properties are undefined here, which exactOptionalPropertyTypes does not let a getter say.
  get handle(): bigint {
    return this.#of.chain.handle?.(this.index) as bigint;
  }
  get counter(): Counter {
    return undefined as unknown as Counter;
  }
  protected override decode(own: BytesContext): RuleSpec | ForeignRule {
    const { key, chain, index } = this.#of;
    return isForeignKey(key) ? chain.foreign(index) : specOfKey(key, own);
  }
}
