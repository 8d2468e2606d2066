// iptables in one network namespace: the same verbs whatever backend holds the rules.
import type { CallOptions, Connection, Netns } from '../connection.ts';
import { NetfilterError, unsupported } from '../errors.ts';
import type { CounterSnapshot, Ruleset } from '../model/ruleset.ts';
import { openConnection } from '../nftables/nftables.ts';
import { runAsync, runSync, type Verb } from '../run.ts';
import type { IptablesBackend } from './backend.ts';
import type { Command } from './commands.ts';
import { CompatBackend } from './compat/backend.ts';
import { type CompiledRuleset, tablesOf } from './compile.ts';
import type { IpFamily } from './extensions/codec.ts';
import { checkChain, checkTable, rulesOf } from './rule-input.ts';
import type { IptablesRule, RuleInput } from './rule-spec.ts';
import { formatTable } from './save-format.ts';
import { IptablesTransaction } from './transaction.ts';

export interface IptablesOpenOptions extends CallOptions {
  readonly family: IpFamily;
  /** Default 'auto'. */
  readonly backend?: 'legacy' | 'nft' | 'auto';
  readonly netns?: Netns;
  /** How long the legacy backend may wait for /run/xtables.lock. nf_tables has no lock. */
  readonly lockTimeoutMs?: number;
}
export interface BackendChoice {
  readonly name: 'legacy' | 'nft';
  readonly why: string;
  readonly otherHasRules: boolean;
}
export interface SaveOptions {
  readonly table?: string;
  /** With [packets:bytes] before each rule. */
  readonly counters?: boolean;
}
export interface RestoreOptions {
  /** Keep chains and rules that the text does not name. */
  readonly noflush?: boolean;
  /** Restore the counters of rules and chains. */
  readonly counters?: boolean;
  /** The kernel's dry run: nothing is applied. */
  readonly test?: boolean;
  /** Only this table of the text. */
  readonly table?: string;
}
export interface CounterOptions {
  readonly table?: string;
  /** Needs `table`. */
  readonly chain?: string;
}

export class Iptables {
  readonly family: IpFamily;
  readonly backend: BackendChoice;
  readonly #connection: Connection;
  readonly #verbs: IptablesBackend;

  private constructor(connection: Connection, family: IpFamily, backend: BackendChoice) {
    this.#connection = connection;
    this.family = family;
    this.backend = backend;
    this.#verbs = new CompatBackend(connection, family);
  }

  /** Errors: ENOENT (no such namespace), EPERM naming the capability that lacks, ERR_NOT_SUPPORTED for the legacy backend. */
  static async open(o: IptablesOpenOptions): Promise<Iptables> {
    o.signal?.throwIfAborted();
    const choice = chooseBackend(o);
    return new Iptables(await runAsync(openConnection(o.netns)), o.family, choice);
  }
  static openSync(o: IptablesOpenOptions): Iptables {
    const choice = chooseBackend(o);
    return new Iptables(runSync(openConnection(o.netns)), o.family, choice);
  }

  /** Adds a rule to the end of a chain; a builtin chain that isn't there yet is made, as iptables makes it. */
  async append(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    const commands = this.#append(table, chain, r);
    await this.#write('append', o, () => this.#verbs.commit(table, commands, {}));
  }
  appendSync(table: string, chain: string, r: RuleInput): void {
    const commands = this.#append(table, chain, r);
    this.#writeSync('append', () => this.#verbs.commit(table, commands, {}));
  }

  /** Deletes the first rule that is the same; not there: ENOENT. */
  async delete(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    const commands = this.#delete(table, chain, r);
    await this.#write('delete', o, () => this.#verbs.commit(table, commands, {}));
  }
  deleteSync(table: string, chain: string, r: RuleInput): void {
    const commands = this.#delete(table, chain, r);
    this.#writeSync('delete', () => this.#verbs.commit(table, commands, {}));
  }

  /** Whether a rule is there; no such chain or table: false. With several addresses, whether all are. */
  async exists(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<boolean> {
    const verb = this.#exists(table, chain, r);
    return await this.#connection.runAsync('exists', verb, o, false);
  }
  existsSync(table: string, chain: string, r: RuleInput): boolean {
    return this.#connection.runSync('exists', this.#exists(table, chain, r), false);
  }

  /** The rules of a chain, or of a table in the order iptables-save prints them. A user chain that isn't there: ENOENT. */
  async list(table: string, chain?: string, o?: CallOptions): Promise<readonly IptablesRule[]> {
    this.#check(table, chain);
    return await this.#connection.runAsync('list', () => this.#verbs.list(table, chain), o, false);
  }
  listSync(table: string, chain?: string): readonly IptablesRule[] {
    this.#check(table, chain);
    return this.#connection.runSync('list', () => this.#verbs.list(table, chain), false);
  }

  /** The iptables tables in one generation. */
  async snapshot(o: { readonly tables?: readonly string[] } & CallOptions = {}): Promise<Ruleset<IptablesRule>> {
    for (const table of o.tables ?? []) checkTable(table);
    return await this.#connection.runAsync('snapshot', () => this.#verbs.snapshot(o.tables), o, false);
  }
  snapshotSync(o: { readonly tables?: readonly string[] } = {}): Ruleset<IptablesRule> {
    for (const table of o.tables ?? []) checkTable(table);
    return this.#connection.runSync('snapshot', () => this.#verbs.snapshot(o.tables), false);
  }

  /** What the save command prints, but for program name and date in its two comment lines. A table that isn't there: ''. */
  async save(o: SaveOptions & CallOptions = {}): Promise<string> {
    if (o.table !== undefined) checkTable(o.table);
    return await this.#connection.runAsync('save', () => this.#save(o), o, false);
  }
  saveSync(o: SaveOptions = {}): string {
    if (o.table !== undefined) checkTable(o.table);
    return this.#connection.runSync('save', () => this.#save(o), false);
  }

  /**
   * Makes the tables of a save text what the text says, all in one transaction. Everything is parsed before anything is
   * sent: RuleSyntaxError with line, column and word.
   */
  async restore(saveText: string | CompiledRuleset, o: RestoreOptions & CallOptions = {}): Promise<{ readonly tables: readonly string[] }> {
    const { tables, names } = this.#tables(saveText, o);
    await this.#write('restore', o, () => this.#verbs.restore(tables, settings(o)));
    return { tables: names };
  }
  restoreSync(saveText: string | CompiledRuleset, o: RestoreOptions = {}): { readonly tables: readonly string[] } {
    const { tables, names } = this.#tables(saveText, o);
    this.#writeSync('restore', () => this.#verbs.restore(tables, settings(o)));
    return { tables: names };
  }

  transaction(table: string): IptablesTransaction {
    checkTable(table);
    return new IptablesTransaction(table, this.#connection, this.#verbs, this.family);
  }

  /** The counters of all rules of the iptables tables, of one table or of one chain. */
  async counters(o: CounterOptions & CallOptions = {}): Promise<CounterSnapshot> {
    this.#checkCounters(o);
    return await this.#connection.runAsync('counters', () => this.#verbs.counters(o.table, o.chain), o, false);
  }
  countersSync(o: CounterOptions = {}): CounterSnapshot {
    this.#checkCounters(o);
    return this.#connection.runSync('counters', () => this.#verbs.counters(o.table, o.chain), false);
  }

  /** Waits for a commit in flight, ends dumps with ERR_CLOSED. May be called again. */
  async close(): Promise<void> {
    await this.#connection.close();
  }
  closeSync(): void {
    this.#connection.closeSync();
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #write<T>(what: string, o: CallOptions | undefined, verb: () => Verb<T>): Promise<T> {
    return await this.#connection.runAsync(what, verb, o, true);
  }
  #writeSync<T>(what: string, verb: () => Verb<T>): T {
    return this.#connection.runSync(what, verb, true);
  }

  #check(table: string, chain: string | undefined): void {
    checkTable(table);
    if (chain !== undefined) checkChain(chain);
  }
  #checkCounters(o: CounterOptions): void {
    if (o.table !== undefined) this.#check(o.table, o.chain);
    else if (o.chain !== undefined) throw new NetfilterError('counters: a chain needs its table', { code: 'ERR_INVALID_ARG' });
  }

  #append(table: string, chain: string, r: RuleInput): Command[] {
    this.#check(table, chain);
    return rulesOf(r, this.family, chain).map((rule) => ({ verb: 'append', chain, rule }));
  }
  #delete(table: string, chain: string, r: RuleInput): Command[] {
    this.#check(table, chain);
    return rulesOf(r, this.family, chain).map((rule) => ({ verb: 'delete', chain, rule }));
  }
  #exists(table: string, chain: string, r: RuleInput): () => Verb<boolean> {
    this.#check(table, chain);
    const rules = rulesOf(r, this.family, chain);
    const backend = this.#verbs;
    return function* () {
      for (const rule of rules) if (!(yield* backend.exists(table, chain, rule))) return false;
      return true;
    };
  }
  *#save(o: SaveOptions): Verb<string> {
    const ruleset = yield* this.#verbs.snapshot(o.table === undefined ? undefined : [o.table]);
    return ruleset.tables.map((t) => formatTable(t, o.counters === true)).join('');
  }
  #tables(saveText: string | CompiledRuleset, o: RestoreOptions) {
    if (o.table !== undefined) checkTable(o.table);
    const tables = tablesOf(saveText, this.family).filter((t) => o.table === undefined || t.name === o.table);
    return { tables, names: tables.map((t) => t.name) };
  }
}

function settings(o: RestoreOptions): { noflush: boolean; counters: boolean; test: boolean } {
  return { noflush: o.noflush === true, counters: o.counters === true, test: o.test === true };
}

function chooseBackend(o: IptablesOpenOptions): BackendChoice {
  const { family, backend = 'auto' } = o;
  if (family !== 'ip' && family !== 'ip6')
    throw new NetfilterError(`iptables family ${JSON.stringify(family)}: 'ip' or 'ip6'`, { code: 'ERR_INVALID_ARG' });
  if (backend === 'legacy') throw unsupported("iptables backend 'legacy'");
  if (backend !== 'nft' && backend !== 'auto')
    throw new NetfilterError(`iptables backend ${JSON.stringify(backend)}: 'legacy', 'nft' or 'auto'`, { code: 'ERR_INVALID_ARG' });
  const why = backend === 'nft' ? 'asked for' : 'nf_tables is the only backend of this version; legacy tables were not looked at';
  return { name: 'nft', why, otherHasRules: false };
}
