// nf_tables in one network namespace.
import { type CallOptions, Connection, checkedInput, type Netns } from '../connection.ts';
import type { CountedChain, CountedObject, NamedCounters } from '../counters/named.ts';
import { ofTable } from '../counters/of-table.ts';
import type { RuleCounters } from '../counters/rows.ts';
import type { CounterSample } from '../counters/sample.ts';
import { CounterWatch, mustBeThere, type WatchOptions } from '../counters/watch.ts';
import type { CounterSnapshot, ElementInput, Family, Ruleset } from '../model/ruleset.ts';
import type { Subscription } from '../model/subscription.ts';
import { runAsync, runSync, type Verb } from '../run.ts';
import { type CounterScope, countRules, ruleScope, tableMustExist } from './counters.ts';
import type { CountedElement } from './element-rows.ts';
import { EventSubscription } from './events/subscription.ts';
import type { EventOptions, NftEvent } from './events/types.ts';
import type { NftRule } from './installed-rule.ts';
import { type QuotaSnapshot, readChainCounters, readElementCounters, readNamedCounters, readQuotas } from './named-counters.ts';
import { familyNumber } from './objects/messages.ts';
import { readPicture, type TableName } from './picture.ts';
import { portableTables } from './portable.ts';
import { type RuleScope, readGeneration } from './read.ts';
import { type RestoreSettings, restore } from './restore.ts';
import { NftRuleset } from './ruleset.ts';
import type { CommitResult } from './send.ts';
import { type ElementQuery, getElement } from './sets/get-element.ts';
import { countElements } from './sets/look.ts';
import { type NftPlan, type NftSyncReport, reportOf, SyncPlan } from './sync/plan.ts';
import { type NftSyncSettings, Reconciler } from './sync/reconcile.ts';
import { type NftScope, resolveScope } from './sync/scope.ts';
import { NftTransaction } from './transaction.ts';

export interface OpenOptions extends CallOptions {
  /** A path such as /run/netns/blue, a process, or an open descriptor. Default: the process's own namespace. */
  readonly netns?: Netns;
}
export interface SnapshotOptions extends CallOptions {
  readonly table?: TableName;
  /** False: sets without their elements (nft's --terse). Such a snapshot cannot be restored. */
  readonly elements?: boolean;
}

/** Opens a connection and makes sure that the kernel answers: a missing capability is named here, not at the first commit. */
export function* openConnection(netns: Netns | undefined): Verb<Connection> {
  const connection = yield* Connection.open(netns);
  try {
    yield* readGeneration(connection);
  } catch (err) {
    connection.closeSync();
    throw err;
  }
  return connection;
}

/** A set or map by its name. */
export interface SetRef {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
}
function setName({ family, table, name }: SetRef): { readonly family: number; readonly table: string; readonly name: string } {
  return { family: familyNumber(family), table, name };
}

export class Nftables {
  readonly #connection: Connection;

  private constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Opens nf_tables in a network namespace. The sockets keep that namespace alive, even when its name or process is gone.
   * Errors: ENOENT (no such path or process), EPERM naming the capability that lacks.
   */
  static async open(o: OpenOptions = {}): Promise<Nftables> {
    o.signal?.throwIfAborted();
    return new Nftables(await runAsync(openConnection(o.netns)));
  }
  static openSync(o: { readonly netns?: Netns } = {}): Nftables {
    return new Nftables(runSync(openConnection(o.netns)));
  }

  /** A new transaction; with `generation` its commit fails with ERESTART if anything was committed since. */
  transaction(o: { readonly generation?: number } = {}): NftTransaction {
    return new NftTransaction(this.#connection, o.generation);
  }

  /**
   * Everything, or one table, in one generation. Somebody else's commit while it is read begins it again, at most 20
   * times, then EINTR. A table that isn't there gives a ruleset without tables.
   */
  async snapshot(o: SnapshotOptions = {}): Promise<Ruleset<NftRule>> {
    return await this.#connection.runAsync('snapshot', () => this.#snapshot(o), o, false);
  }
  snapshotSync(o: Omit<SnapshotOptions, 'signal'> = {}): Ruleset<NftRule> {
    return this.#connection.runSync('snapshot', () => this.#snapshot(o), false);
  }

  *#snapshot(o: SnapshotOptions): Verb<NftRuleset> {
    return new NftRuleset(yield* readPicture(this.#connection, o));
  }

  /**
   * Makes the tables of a snapshot, or of its JSON, again: here, in another namespace, after a reboot. One transaction. Sets come
   * with their elements and remaining timeouts; counters begin anew unless asked for. A table that is there already is EEXIST, or
   * replaced. An owner's table is restored as nobody's: it would vanish with this connection.
   */
  async restore(s: Ruleset<NftRule> | unknown, o: RestoreSettings & CallOptions = {}): Promise<CommitResult> {
    return await this.#connection.runAsync('restore', () => restore(this.#connection, s, o), o, true);
  }
  restoreSync(s: Ruleset<NftRule> | unknown, o: RestoreSettings = {}): CommitResult {
    return this.#connection.runSync('restore', () => restore(this.#connection, s, o), true);
  }

  /**
   * What `sync` would do to make the tables in scope those of a snapshot, or of its JSON: numbers, lists, a diff. Nothing is written; `apply` of the plan
   * does it.
   */
  async plan(desired: Ruleset<NftRule> | unknown, scope: NftScope = {}, o: NftSyncSettings & CallOptions = {}): Promise<NftPlan> {
    const reconciler = this.#reconciler(desired, scope, o);
    return new SyncPlan(this.#connection, reconciler, await this.#connection.runAsync('plan', () => reconciler.plan(), o, true));
  }
  planSync(desired: Ruleset<NftRule> | unknown, scope: NftScope = {}, o: NftSyncSettings = {}): NftPlan {
    const reconciler = this.#reconciler(desired, scope, o);
    return new SyncPlan(
      this.#connection,
      reconciler,
      this.#connection.runSync('plan', () => reconciler.plan(), true),
    );
  }

  /**
   * Makes the tables in scope those of a snapshot, or of its JSON, with the least change: rules that stay where they are keep handle and counters, elements
   * that stay keep theirs and their remaining time. One transaction, applied only if nobody else has committed since the tables were looked at, and tried
   * again ten times; then ERR_CONFLICT. What is outside the scope stays as it is. ERR_NOT_SUPPORTED for what can't be changed.
   */
  async sync(desired: Ruleset<NftRule> | unknown, scope: NftScope = {}, o: NftSyncSettings & CallOptions = {}): Promise<NftSyncReport> {
    const reconciler = this.#reconciler(desired, scope, o);
    return reportOf(await this.#connection.runAsync('sync', () => reconciler.sync(), o, true));
  }
  syncSync(desired: Ruleset<NftRule> | unknown, scope: NftScope = {}, o: NftSyncSettings = {}): NftSyncReport {
    const reconciler = this.#reconciler(desired, scope, o);
    return reportOf(this.#connection.runSync('sync', () => reconciler.sync(), true));
  }

  #reconciler(desired: unknown, scope: NftScope, o: NftSyncSettings): Reconciler {
    const scopes = checkedInput('sync', () => resolveScope(scope, portableTables(desired, 'sync')));
    return new Reconciler(this.#connection, scopes, o);
  }

  /** One element of a set without a dump, as `nft get element`; undefined where it isn't there. ENOENT where there is no such set. */
  async getElement(q: ElementQuery, o?: CallOptions): Promise<ElementInput | undefined> {
    return await this.#connection.runAsync('get element', () => getElement(this.#connection, q), o, false);
  }
  getElementSync(q: ElementQuery): ElementInput | undefined {
    return this.#connection.runSync('get element', () => getElement(this.#connection, q), false);
  }

  /** The counters of all rules, of a table's or of a chain's, without decoding the rules. */
  async counters(o: CounterScope & CallOptions = {}): Promise<CounterSnapshot> {
    return await this.#connection.runAsync('counters', () => this.#counters(ruleScope(o)), o, false);
  }
  countersSync(o: CounterScope = {}): CounterSnapshot {
    return this.#connection.runSync('counters', () => this.#counters(ruleScope(o)), false);
  }

  #counters(scope: RuleScope): Verb<RuleCounters> {
    return countRules(this.#connection, [scope]);
  }

  /** What base chains have counted at their end, where they count. */
  async chainCounters(o: { readonly table?: TableName } & CallOptions = {}): Promise<NamedCounters<CountedChain>> {
    return await this.#connection.runAsync('chain counters', () => readChainCounters(this.#connection, o.table), o, false);
  }
  chainCountersSync(o: { readonly table?: TableName } = {}): NamedCounters<CountedChain> {
    return this.#connection.runSync('chain counters', () => readChainCounters(this.#connection, o.table), false);
  }

  /** The named counters. */
  async namedCounters(o: { readonly table?: TableName } & CallOptions = {}): Promise<NamedCounters<CountedObject>> {
    return await this.#connection.runAsync('named counters', () => readNamedCounters(this.#connection, o.table), o, false);
  }
  namedCountersSync(o: { readonly table?: TableName } = {}): NamedCounters<CountedObject> {
    return this.#connection.runSync('named counters', () => readNamedCounters(this.#connection, o.table), false);
  }

  /** The quotas, in bytes. */
  async quotas(o: { readonly table?: TableName } & CallOptions = {}): Promise<QuotaSnapshot> {
    return await this.#connection.runAsync('quotas', () => readQuotas(this.#connection, o.table), o, false);
  }
  quotasSync(o: { readonly table?: TableName } = {}): QuotaSnapshot {
    return this.#connection.runSync('quotas', () => readQuotas(this.#connection, o.table), false);
  }

  /** What the elements of a set or map have counted; ENOENT where there is no such set. */
  async elementCounters(o: SetRef & CallOptions): Promise<NamedCounters<CountedElement>> {
    return await this.#connection.runAsync('element counters', () => readElementCounters(this.#connection, setName(o)), o, false);
  }
  elementCountersSync(o: SetRef): NamedCounters<CountedElement> {
    return this.#connection.runSync('element counters', () => readElementCounters(this.#connection, setName(o)), false);
  }

  /**
   * How many elements a set or map has, expired ones left out; a range is one, `*` too. They are dumped and counted, not decoded: what
   * NFTA_SET_COUNT says is another number where some have expired, and for `*` and 0.0.0.0/0. ENOENT where there is no such set.
   */
  async elementCount(o: SetRef & CallOptions): Promise<number> {
    return await this.#connection.runAsync('element count', () => countElements(this.#connection, setName(o)), o, false);
  }
  elementCountSync(o: SetRef): number {
    return this.#connection.runSync('element count', () => countElements(this.#connection, setName(o)), false);
  }

  /**
   * A poll of the counters every `intervalMs`, with what every rule has counted since the last. Polls don't drift and none waits for another: one that
   * would be late is skipped and counted. A poll that fails is a sample with its error, and the next goes on: a table that isn't there
   * (ENOENT), a namespace that is gone (ERR_NAMESPACE_GONE), a permission that lacks. Abort and close() end it; so does a message that can't be
   * read, which rejects.
   *
   * What deltas can't know: somebody's reset between two polls shows where the counter went back ('reset'), not where it has caught up since.
   */
  watchCounters(o: CounterScope & WatchOptions): Subscription<CounterSample> {
    const scope = checkedInput('watchCounters', () => ruleScope(o));
    return new CounterWatch(this.#connection, (signal) => this.#poll(scope, signal), o);
  }
  async #poll(scope: RuleScope, signal: AbortSignal): Promise<RuleCounters> {
    await mustBeThere(this.#connection);
    const counters = (): Verb<RuleCounters> => this.#counters(scope);
    const tableIsThere = (): Verb<void> => tableMustExist(this.#connection, scope);
    const polled = scope.table === undefined ? counters : () => ofTable(counters, tableIsThere);
    return await this.#connection.runAsync('counters', polled, { signal }, false);
  }

  /**
   * Who changes what, commit by commit, and what the rules with `meta nftrace set 1` do with packets. Subscribed when this
   * returns. Abort and close() end the iteration; a vanished namespace rejects with ERR_NAMESPACE_GONE, looked for once a second
   * and with every batch, and a message that can't be read with DecodeError: both end it.
   */
  events(o: EventOptions = {}): Subscription<NftEvent> {
    return EventSubscription.open(this.#connection, o);
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
}
