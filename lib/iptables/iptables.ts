// iptables in one network namespace: the same verbs whatever backend holds the rules.
import type { CallOptions, Connection, Netns } from '../connection.ts';
import { type ChainsBefore, ledgerOf } from '../counters/ledger.ts';
import type { CountedChain, NamedCounters } from '../counters/named.ts';
import { ofTable } from '../counters/of-table.ts';
import type { RuleCounters } from '../counters/rows.ts';
import type { CounterSample } from '../counters/sample.ts';
import { CounterWatch, LONGEST_INTERVAL_MS, mustBeThere, type WatchOptions } from '../counters/watch.ts';
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { CounterSnapshot, Ruleset } from '../model/ruleset.ts';
import type { Subscription } from '../model/subscription.ts';
import { runAsync, runSync, type Verb } from '../run.ts';
import type { IptablesBackend } from './backend.ts';
import { tableNames } from './builtin.ts';
import { type BackendChoice, type ChosenBackend, openBackend } from './choose.ts';
import { parseCommandLine } from './command-line/parse.ts';
import { type RunResult, runLine, writes } from './command-line/run.ts';
import type { Command } from './commands.ts';
import { type CompiledRuleset, tablesOf } from './compile.ts';
import type { IpFamily } from './extensions/codec.ts';
import { Queue, type QueueOptions } from './queue.ts';
import { restoredCounters } from './restored-counters.ts';
import { checkChain, checkNewChain, checkNumber, checkPolicy, checkTable, oneRule, rulesOf } from './rule-input.ts';
import type { IptablesRule, RuleInput } from './rule-spec.ts';
import { formatTable } from './save-format.ts';
import { type Desired, type DesiredState, desiredState } from './sync/desired.ts';
import { type DriftEvent, type DriftOptions, DriftWatch } from './sync/drift.ts';
import { IptablesMirror, type Mirror } from './sync/mirror.ts';
import { type Plan, SyncPlan } from './sync/plan.ts';
import { Reconciler, type SyncOptions, type SyncReport } from './sync/reconcile.ts';
import { keyContext } from './sync/rule-key.ts';
import { resolveScope, type Scope, type TableScope } from './sync/scope.ts';
import { IptablesTransaction } from './transaction.ts';

export interface IptablesOpenOptions extends CallOptions {
  readonly family: IpFamily;
  /** Default 'auto'. */
  readonly backend?: 'legacy' | 'nft' | 'auto';
  readonly netns?: Netns;
  /** How long a write of the legacy backend may wait for the xtables lock, in milliseconds; default 5000, 0: not at all. nf_tables has no lock. */
  readonly lockTimeoutMs?: number;
}
export type { BackendChoice } from './choose.ts';
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
  /** Nothing is applied. On nf_tables the kernel's dry run; legacy has none, and what only the kernel would refuse is not found. */
  readonly test?: boolean;
  /** Only this table of the text. */
  readonly table?: string;
}
export interface CounterOptions {
  readonly table?: string;
  /** Needs `table`. */
  readonly chain?: string;
}

export interface MirrorOptions {
  /** Default: all. */
  readonly tables?: readonly string[];
  /** Of legacy tables; default 1000. */
  readonly pollMs?: number;
}
const POLL_MS = 1000;

function checkInterval(what: string, ms: unknown): void {
  if (typeof ms === 'number' && ms >= 1 && ms <= LONGEST_INTERVAL_MS) return;
  throw new NetfilterError(`${what} ${String(ms)}: 1 to ${LONGEST_INTERVAL_MS} milliseconds`, { code: 'ERR_INVALID_ARG' });
}

export class Iptables {
  readonly family: IpFamily;
  readonly backend: BackendChoice;
  readonly #connection: Connection;
  readonly #verbs: IptablesBackend;
  readonly #reconciler: Reconciler;
  /** The last, held for what the next has in common with it. */
  #desired: DesiredState | undefined;

  private constructor({ connection, choice, verbs }: ChosenBackend, family: IpFamily) {
    this.#connection = connection;
    this.family = family;
    this.backend = choice;
    this.#verbs = verbs;
    this.#reconciler = new Reconciler(verbs.sync);
  }

  /**
   * Opens iptables in a network namespace, which the open sockets keep alive. `backend` says which backend was chosen and why; nothing is made
   * by looking. Errors: ENOENT (no such namespace), EPERM naming the capability that lacks: CAP_NET_ADMIN, and CAP_NET_RAW for legacy; EACCES
   * where the kernel's list of legacy tables may not be read.
   */
  static async open(o: IptablesOpenOptions): Promise<Iptables> {
    o.signal?.throwIfAborted();
    return new Iptables(await runAsync(opening(o), o.signal), o.family);
  }
  static openSync(o: IptablesOpenOptions): Iptables {
    return new Iptables(runSync(opening(o)), o.family);
  }

  /**
   * Carries out one whole iptables command line, without the program's name: text with a shell's quoting, or a list of words. Gives what the
   * real program prints, and whether the command had anything to do. Throws RuleSyntaxError naming the word for what the real program
   * refuses to read, NetfilterError for what it fails at: ENOENT where -C or -D finds no such rule, or a chain is missing (iptables(8)).
   */
  async run(command: string | readonly string[], o?: CallOptions): Promise<RunResult> {
    const line = parseCommandLine(command, this.family);
    return await this.#connection.runAsync('run', () => runLine(this.#verbs, this.family, line), o, writes(line));
  }
  runSync(command: string | readonly string[]): RunResult {
    const line = parseCommandLine(command, this.family);
    return this.#connection.runSync('run', () => runLine(this.#verbs, this.family, line), writes(line));
  }

  /** Adds a rule to the end of a chain; a builtin chain that isn't there yet is made, as iptables makes it. */
  async append(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#apply('append', table, this.#rules('append', table, chain, r), o);
  }
  appendSync(table: string, chain: string, r: RuleInput): void {
    this.#applySync('append', table, this.#rules('append', table, chain, r));
  }

  /** Puts a rule at a number, counted from 1. Of several addresses each is put there: the last one comes first, as with iptables. */
  async insert(table: string, chain: string, number: number, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#apply('insert', table, this.#insert(table, chain, number, r), o);
  }
  insertSync(table: string, chain: string, number: number, r: RuleInput): void {
    this.#applySync('insert', table, this.#insert(table, chain, number, r));
  }

  /** Puts one rule in the place of another. No such number: E2BIG. */
  async replace(table: string, chain: string, number: number, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#apply('replace', table, this.#replace(table, chain, number, r), o);
  }
  replaceSync(table: string, chain: string, number: number, r: RuleInput): void {
    this.#applySync('replace', table, this.#replace(table, chain, number, r));
  }

  /** Deletes the first rule that is the same; not there: ENOENT. */
  async delete(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#apply('delete', table, this.#rules('delete', table, chain, r), o);
  }
  deleteSync(table: string, chain: string, r: RuleInput): void {
    this.#applySync('delete', table, this.#rules('delete', table, chain, r));
  }

  /** Deletes a rule by its number, counted from 1. No such number: E2BIG. */
  async deleteAt(table: string, chain: string, number: number, o?: CallOptions): Promise<void> {
    await this.#apply('deleteAt', table, this.#deleteAt(table, chain, number), o);
  }
  deleteAtSync(table: string, chain: string, number: number): void {
    this.#applySync('deleteAt', table, this.#deleteAt(table, chain, number));
  }

  /** Adds a rule unless it is there; true: added. Test and write are one transaction, tried again where somebody else commits in between. */
  async appendUnique(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<boolean> {
    return await this.#apply('appendUnique', table, this.#rules('append', table, chain, r, { unlessThere: true }), o);
  }
  appendUniqueSync(table: string, chain: string, r: RuleInput): boolean {
    return this.#applySync('appendUnique', table, this.#rules('append', table, chain, r, { unlessThere: true }));
  }

  /** Inserts a rule unless the chain has it, wherever; true: inserted. Test and write are one transaction. */
  async insertUnique(table: string, chain: string, number: number, r: RuleInput, o?: CallOptions): Promise<boolean> {
    return await this.#apply('insertUnique', table, this.#insert(table, chain, number, r, { unlessThere: true }), o);
  }
  insertUniqueSync(table: string, chain: string, number: number, r: RuleInput): boolean {
    return this.#applySync('insertUnique', table, this.#insert(table, chain, number, r, { unlessThere: true }));
  }

  /** Deletes the first rule that is the same; true: there was one. Test and write are one transaction. */
  async deleteIfExists(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<boolean> {
    return await this.#apply('deleteIfExists', table, this.#rules('delete', table, chain, r, { ifThere: true }), o);
  }
  deleteIfExistsSync(table: string, chain: string, r: RuleInput): boolean {
    return this.#applySync('deleteIfExists', table, this.#rules('delete', table, chain, r, { ifThere: true }));
  }

  /** Makes a user chain; where it or a builtin one of the name is there: EEXIST. */
  async newChain(table: string, chain: string, o?: CallOptions): Promise<void> {
    await this.#apply('newChain', table, this.#newChain(table, chain), o);
  }
  newChainSync(table: string, chain: string): void {
    this.#applySync('newChain', table, this.#newChain(table, chain));
  }

  /** Makes a user chain unless it is there; true: made. */
  async ensureChain(table: string, chain: string, o?: CallOptions): Promise<boolean> {
    return await this.#apply('ensureChain', table, this.#newChain(table, chain, { unlessThere: true }), o);
  }
  ensureChainSync(table: string, chain: string): boolean {
    return this.#applySync('ensureChain', table, this.#newChain(table, chain, { unlessThere: true }));
  }

  /** Deletes all rules of a chain, or of all chains of the table. */
  async flushChain(table: string, chain?: string, o?: CallOptions): Promise<void> {
    await this.#apply('flushChain', table, this.#chain('flushChain', table, chain), o);
  }
  flushChainSync(table: string, chain?: string): void {
    this.#applySync('flushChain', table, this.#chain('flushChain', table, chain));
  }

  /** Deletes an empty chain that no rule jumps to; otherwise EBUSY. */
  async deleteChain(table: string, chain: string, o?: CallOptions): Promise<void> {
    await this.#apply('deleteChain', table, this.#chain('deleteChain', table, chain), o);
  }
  deleteChainSync(table: string, chain: string): void {
    this.#applySync('deleteChain', table, this.#chain('deleteChain', table, chain));
  }

  /** Gives a user chain another name; where that is taken: EEXIST. */
  async renameChain(table: string, from: string, to: string, o?: CallOptions): Promise<void> {
    await this.#apply('renameChain', table, this.#rename(table, from, to), o);
  }
  renameChainSync(table: string, from: string, to: string): void {
    this.#applySync('renameChain', table, this.#rename(table, from, to));
  }

  /** Sets the policy of a builtin chain. Its counters stay on nf_tables; legacy zeroes those of all policies of a table with every commit. */
  async setPolicy(table: string, chain: string, policy: 'ACCEPT' | 'DROP', o?: CallOptions): Promise<void> {
    await this.#apply('setPolicy', table, this.#policy(table, chain, policy), o);
  }
  setPolicySync(table: string, chain: string, policy: 'ACCEPT' | 'DROP'): void {
    this.#applySync('setPolicy', table, this.#policy(table, chain, policy));
  }

  /**
   * Puts the counters of a chain and its rules to zero, or those of all chains. Rules that have counted nothing are left alone. On
   * nf_tables a rule is replaced by itself, as by iptables-nft -Z: what is counted between the look at it and the commit is lost, and what its
   * matches remember (limit, quota, statistic) begins anew. ENOENT for a user chain that isn't there (iptables(8), -Z).
   */
  async zero(table: string, chain?: string, o?: CallOptions): Promise<void> {
    await this.#apply('zero', table, this.#zero(table, chain), o);
  }
  zeroSync(table: string, chain?: string): void {
    this.#applySync('zero', table, this.#zero(table, chain));
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

  /** The chains of a table in the order iptables-save prints them; the builtin ones are always among them. */
  async listChains(table: string, o?: CallOptions): Promise<readonly string[]> {
    checkTable(table);
    return await this.#connection.runAsync('listChains', () => this.#verbs.chains(table), o, false);
  }
  listChainsSync(table: string): readonly string[] {
    checkTable(table);
    return this.#connection.runSync('listChains', () => this.#verbs.chains(table), false);
  }

  /** The iptables tables: on nf_tables all in one generation, on legacy each in one piece, one after the other. */
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
   * Makes the tables of a save text what the text says: on nf_tables all in one transaction, on legacy each in its own, and an error after the
   * first has outcome 'partly-applied' and `tables`. Everything is parsed before anything is sent: RuleSyntaxError with line, column and word.
   */
  async restore(saveText: string | CompiledRuleset, o: RestoreOptions & CallOptions = {}): Promise<{ readonly tables: readonly string[] }> {
    const { tables, names } = this.#tables(saveText, o);
    await this.#write('restore', o, () => this.#restore(tables, o));
    return { tables: names };
  }
  restoreSync(saveText: string | CompiledRuleset, o: RestoreOptions = {}): { readonly tables: readonly string[] } {
    const { tables, names } = this.#tables(saveText, o);
    this.#writeSync('restore', () => this.#restore(tables, o));
    return { tables: names };
  }
  *#restore(tables: ReturnType<typeof tablesOf>, o: RestoreOptions): Verb<void> {
    const restore = (): Verb<void> => this.#verbs.restore(tables, settings(o));
    if (o.noflush === true || o.test === true) return yield* restore();
    const { family } = this;
    const ledger = ledgerOf(this.#connection);
    const verbs = this.#verbs;
    const before = new Map<string, ChainsBefore>();
    const note = (done: typeof tables): void => {
      if (!ledger.wanted) return;
      for (const entry of restoredCounters(done, family, o.counters === true)) {
        const had = before.get(entry.place.table);
        ledger.add(had === undefined ? entry : { ...entry, before: had.of(entry.place) });
      }
    };
    yield* ledger.during(function* () {
      for (const { name } of tables) {
        const had = yield* ledger.look(() => verbs.counters(name, undefined));
        if (had !== undefined) before.set(name, had);
      }
      try {
        yield* restore();
      } catch (err) {
        // Of legacy tables some may have been written before one was refused.
        const written = err instanceof NetfilterError ? (err.tables ?? []) : [];
        note(tables.filter((t) => written.includes(t.name)));
        throw err;
      }
      note(tables);
    });
  }

  /**
   * What `sync` would do now: numbers, and as text a diff. Nothing is sent; `apply` does it. Throws RuleSyntaxError for a text that is none,
   * ERR_INVALID_ARG for rules of the text outside the scope, which would be passed over in silence.
   */
  async plan(desired: Desired, scope: Scope = {}, o?: CallOptions): Promise<Plan> {
    const scopes = this.#scopes(desired, scope);
    return await this.#connection.runAsync('plan', () => this.#plan(scopes), o, true);
  }
  planSync(desired: Desired, scope: Scope = {}): Plan {
    const scopes = this.#scopes(desired, scope);
    return this.#connection.runSync('plan', () => this.#plan(scopes), true);
  }

  /**
   * Makes the tables and chains in scope what save text says, with the least change: rules that stay where they are keep handle and counters. One
   * transaction on nf_tables, one commit a table on legacy, made only if nobody else has committed since the tables were looked at, and tried again
   * ten times; then ERR_CONFLICT. What is outside the scope stays as it is.
   */
  async sync(desired: Desired, scope: Scope = {}, o: SyncOptions = {}): Promise<SyncReport> {
    const scopes = this.#scopes(desired, scope);
    return await this.#connection.runAsync('sync', () => this.#reconciler.sync(scopes, o), o, true);
  }
  syncSync(desired: Desired, scope: Scope = {}, o: Omit<SyncOptions, 'signal'> = {}): SyncReport {
    const scopes = this.#scopes(desired, scope);
    return this.#connection.runSync('sync', () => this.#reconciler.sync(scopes, o), true);
  }

  /**
   * The tables in this process's memory, for lookups that are no calls. On nf_tables events keep it current, and each lookup makes sure of that by one
   * request for the generation; when it has lost track (events were lost, somebody's commit could not be followed) lookups throw ERR_STALE
   * until it has been read anew. Legacy tables are read every `pollMs`: a lookup knows no later state.
   */
  async mirror(o: MirrorOptions & CallOptions = {}): Promise<Mirror> {
    const { tables = tableNames, pollMs = POLL_MS } = o;
    if (!Array.isArray(tables)) throw new NetfilterError('mirror: tables is a list', { code: 'ERR_INVALID_ARG' });
    for (const table of tables) checkTable(table);
    checkInterval('mirror: pollMs', pollMs);
    o.signal?.throwIfAborted();
    const source = this.#verbs.mirror(tables, pollMs);
    try {
      await source.refresh();
      o.signal?.throwIfAborted();
    } catch (err) {
      source.close();
      throw err;
    }
    return new IptablesMirror(this.family, tables, this.#verbs.sync.keys, keyContext(this.family, this.#verbs.name), source);
  }

  /**
   * Looks whenever somebody else has changed tables in scope (legacy: every `minIntervalMs`) and tells what is not as desired, at once and then where it
   * changes; with `repair` it is put back. `desired` is called for each look. A writer that undoes ten repairs in a row, each within ten
   * intervals, is reported with ERR_CONFLICT, and the iteration ends. Throws of `desired` and texts that are none reject.
   */
  watchDrift(desired: () => Desired, scope: Scope = {}, o: DriftOptions = {}): Subscription<DriftEvent> {
    const { minIntervalMs = POLL_MS } = o;
    checkInterval('watchDrift: minIntervalMs', minIntervalMs);
    const tables = this.#scopes(desired(), scope).map(({ name }) => name);
    const changes = this.#verbs.changes(tables, minIntervalMs);
    return new DriftWatch(() => this.plan(desired(), scope), changes, { ...o, minIntervalMs });
  }

  #scopes(desired: Desired, scope: Scope): readonly TableScope[] {
    this.#desired = desiredState(desired, this.family);
    return resolveScope(scope, this.#desired.tables, this.family);
  }
  *#plan(scopes: readonly TableScope[]): Verb<Plan> {
    const groups = yield* this.#reconciler.plan(scopes);
    return new SyncPlan(this.#connection, this.#reconciler, groups, keyContext(this.family, this.#verbs.name));
  }

  transaction(table: string): IptablesTransaction {
    checkTable(table);
    return new IptablesTransaction(table, this.#connection, this.#verbs, this.family);
  }

  /**
   * Collects calls for a few milliseconds and commits them together: on nf_tables one transaction, on legacy one commit a table. Each call's
   * promise settles with its own outcome. ERR_INVALID_ARG for what is no delay or number; see docs/sync.md.
   */
  queue(o: QueueOptions = {}): Queue {
    return new Queue(this.#connection, this.#verbs, this.family, o);
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

  /** What the builtin chains' policies have counted: packets that no rule has decided. nf_tables: where the chain counts, as those made by iptables from 1.8.10 on or restored with counters do. */
  async chainCounters(o: { readonly table?: string } & CallOptions = {}): Promise<NamedCounters<CountedChain>> {
    if (o.table !== undefined) checkTable(o.table);
    return await this.#connection.runAsync('chain counters', () => this.#verbs.chainCounters(o.table), o, false);
  }
  chainCountersSync(o: { readonly table?: string } = {}): NamedCounters<CountedChain> {
    if (o.table !== undefined) checkTable(o.table);
    return this.#connection.runSync('chain counters', () => this.#verbs.chainCounters(o.table), false);
  }

  /**
   * A poll of the counters every `intervalMs`, with what every rule has counted since the last; see Nftables.watchCounters. Legacy tables are read under
   * the xtables lock where that can be had; where it cannot, the snapshot says `unlocked`. A table that was there and is gone is a
   * sample with ENOENT.
   */
  watchCounters(o: CounterOptions & WatchOptions): Subscription<CounterSample> {
    this.#checkCounters(o);
    const { table, chain } = o;
    const verbs = this.#verbs;
    const all = (): Verb<RuleCounters> => verbs.counters(table, chain);
    const tableIsThere = function* (): Verb<void> {
      if (table !== undefined && !(yield* verbs.hasTable(table)))
        throw new NetfilterError(`counters: table ${table} is gone`, { code: 'ENOENT', errno: ENOENT });
    };
    let seen = false;
    const polled = function* (): Verb<RuleCounters> {
      const counters = yield* seen ? ofTable(all, tableIsThere) : all();
      seen ||= counters.length > 0 && table !== undefined;
      return counters;
    };
    const poll = async (signal: AbortSignal): Promise<RuleCounters> => {
      await mustBeThere(this.#connection);
      return await this.#connection.runAsync('counters', polled, { signal }, false);
    };
    return new CounterWatch(this.#connection, poll, o);
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

  #check(table: string, chain: string | undefined, needed = false): void {
    checkTable(table);
    if (needed || chain !== undefined) checkChain(chain);
  }
  #checkCounters(o: CounterOptions): void {
    if (o.table !== undefined) this.#check(o.table, o.chain);
    else if (o.chain !== undefined) throw new NetfilterError('counters: a chain needs its table', { code: 'ERR_INVALID_ARG' });
  }

  async #apply(what: string, table: string, commands: readonly Command[], o: CallOptions | undefined): Promise<boolean> {
    return (await this.#write(what, o, () => this.#verbs.commit(table, commands, {}))).changes > 0;
  }
  #applySync(what: string, table: string, commands: readonly Command[]): boolean {
    return this.#writeSync(what, () => this.#verbs.commit(table, commands, {})).changes > 0;
  }

  #rules(
    verb: 'append' | 'delete',
    table: string,
    chain: string,
    r: RuleInput,
    o: { readonly unlessThere?: boolean; readonly ifThere?: boolean } = {},
  ): Command[] {
    this.#check(table, chain, true);
    return rulesOf(r, this.family, chain).map((rule) => ({ verb, chain, rule, ...o }));
  }
  #insert(table: string, chain: string, number: number, r: RuleInput, o: { readonly unlessThere?: boolean } = {}): Command[] {
    this.#check(table, chain, true);
    checkNumber(number);
    return rulesOf(r, this.family, chain).map((rule) => ({ verb: 'insert', chain, number, rule, ...o }));
  }
  #replace(table: string, chain: string, number: number, r: RuleInput): Command[] {
    this.#check(table, chain, true);
    checkNumber(number);
    return [{ verb: 'replace', chain, number, rule: oneRule(r, this.family, chain) }];
  }
  #deleteAt(table: string, chain: string, number: number): Command[] {
    this.#check(table, chain, true);
    checkNumber(number);
    return [{ verb: 'deleteAt', chain, number }];
  }
  #newChain(table: string, chain: string, o: { readonly unlessThere?: boolean } = {}): Command[] {
    checkTable(table);
    checkNewChain(chain);
    return [{ verb: 'newChain', chain, ...o }];
  }
  #chain(verb: 'flushChain' | 'deleteChain', table: string, chain: string | undefined): Command[] {
    this.#check(table, chain, verb === 'deleteChain');
    return chain === undefined ? [{ verb: 'flushChain', chain }] : [{ verb, chain }];
  }
  #zero(table: string, chain: string | undefined): Command[] {
    this.#check(table, chain);
    return [{ verb: 'zero', chain }];
  }
  #rename(table: string, from: string, to: string): Command[] {
    this.#check(table, from, true);
    checkNewChain(to);
    return [{ verb: 'renameChain', chain: from, to }];
  }
  #policy(table: string, chain: string, policy: 'ACCEPT' | 'DROP'): Command[] {
    this.#check(table, chain, true);
    checkPolicy(policy);
    return [{ verb: 'setPolicy', chain, policy, counter: undefined }];
  }
  #exists(table: string, chain: string, r: RuleInput): () => Verb<boolean> {
    this.#check(table, chain, true);
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

/** What `iptables -w` has no default for: five seconds, as kube-proxy and Docker wait. */
const LOCK_TIMEOUT_MS = 5000;

function opening(o: IptablesOpenOptions): Verb<ChosenBackend> {
  const { family, backend = 'auto', lockTimeoutMs = LOCK_TIMEOUT_MS } = o;
  const invalid = (what: string): NetfilterError => new NetfilterError(`iptables ${what}`, { code: 'ERR_INVALID_ARG' });
  if (family !== 'ip' && family !== 'ip6') throw invalid(`family ${JSON.stringify(family)}: 'ip' or 'ip6'`);
  if (backend !== 'legacy' && backend !== 'nft' && backend !== 'auto')
    throw invalid(`backend ${JSON.stringify(backend)}: 'legacy', 'nft' or 'auto'`);
  if (typeof lockTimeoutMs !== 'number' || !(lockTimeoutMs >= 0))
    throw invalid(`lockTimeoutMs ${String(lockTimeoutMs)}: milliseconds from 0`);
  return openBackend(family, backend, o.netns, lockTimeoutMs);
}
