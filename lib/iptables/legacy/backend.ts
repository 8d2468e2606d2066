// iptables on legacy xtables: each thing Iptables can do, as a verb.
import type { Connection } from '../../connection.ts';
import { type CountedChain, type NamedCounters, type NamedRow, namedCounters } from '../../counters/named.ts';
import type { RuleCounters } from '../../counters/rows.ts';
import { ENOENT } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import type { CommitResult } from '../../nftables/send.ts';
import type { Verb } from '../../run.ts';
import type { Applied, CommitSettings, IptablesBackend } from '../backend.ts';
import { builtinChain, builtinChains, noChain, tableNames } from '../builtin.ts';
import type { Command } from '../commands.ts';
import { RuleContext } from '../context.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { IptablesRule, RuleSpec } from '../rule-spec.ts';
import type { SavedTable } from '../save-text.ts';
import { LegacyChanges } from './changes.ts';
import { commitLegacy, refusesTable } from './commit.ts';
import { LegacyPolls } from './counters.ts';
import { findRule } from './find.ts';
import { LegacyRule } from './installed.ts';
import { LegacyMirror } from './mirror.ts';
import { noted } from './noted.ts';
import { existingTables, readTable } from './requests.ts';
import { restoreLegacy } from './restore.ts';
import { legacyRevisions } from './revisions.ts';
import { LegacyRuleset } from './ruleset.ts';
import { LegacySync } from './sync.ts';
import type { LegacyTable } from './table.ts';

export class LegacyBackend implements IptablesBackend {
  readonly name = 'legacy';
  readonly #connection: Connection;
  readonly #context: RuleContext;
  readonly #lockTimeoutMs: number;
  readonly #polls: LegacyPolls;
  readonly sync: LegacySync;

  constructor(connection: Connection, family: IpFamily, lockTimeoutMs: number) {
    this.#connection = connection;
    this.#context = new RuleContext(connection, family, 'legacy', legacyRevisions(connection, family));
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#polls = new LegacyPolls(connection, family);
    this.sync = new LegacySync(this.#context, lockTimeoutMs);
  }

  *commit(table: string, commands: readonly Command[], o: CommitSettings): Verb<CommitResult & Applied> {
    const settings = { ...o, lockTimeoutMs: this.#lockTimeoutMs };
    const send = (): Verb<Applied> => commitLegacy(this.#context, { table, commands, fresh: false }, settings);
    const counters = (): Verb<RuleCounters> => this.counters(table, undefined);
    const applied = yield* o.dryRun === true ? send() : noted(this.#connection, commands, counters, send);
    // Legacy rules have no handles, and their tables no generation.
    return { handle: () => undefined, ...applied };
  }

  /** ip_tables takes or refuses a table, and says no more than an errno. */
  fewerMayPass(err: NetfilterError): boolean {
    return refusesTable(err);
  }

  learn(rules: Iterable<RuleSpec>): Verb<void> {
    return this.#context.learn(rules);
  }

  restore(tables: readonly SavedTable[], o: { readonly noflush: boolean; readonly counters: boolean; readonly test: boolean }): Verb<void> {
    return restoreLegacy(this.#context, tables, { ...o, lockTimeoutMs: this.#lockTimeoutMs });
  }

  *snapshot(only?: readonly string[]): Verb<LegacyRuleset> {
    return new LegacyRuleset(yield* this.#tables(only ?? tableNames), this.#context.bytes());
  }

  *exists(table: string, chain: string, rule: RuleSpec): Verb<boolean> {
    const found = yield* this.#table(table);
    const rows = found?.chain(chain);
    if (found === undefined || rows === undefined || rows.start === rows.end) return false;
    yield* this.#context.learn([rule]);
    const bytes = this.#context.bytes();
    return findRule(found, rows, this.#context.xtRule(rule, bytes), bytes) >= 0;
  }

  *list(table: string, chain: string | undefined): Verb<readonly IptablesRule[]> {
    const found = yield* this.#table(table);
    const bytes = this.#context.bytes();
    const of = (start: number, end: number): LegacyRule[] =>
      found === undefined ? [] : Array.from({ length: end - start }, (_, i) => new LegacyRule(found, start + i, bytes));
    if (chain === undefined) return (found?.chains ?? []).flatMap((c) => of(c.start, c.end));
    const rows = found?.chain(chain);
    if (rows !== undefined) return of(rows.start, rows.end);
    if (builtinChain(table, chain) !== undefined) return [];
    throw new NetfilterError(noChain(table, chain), { code: 'ENOENT', errno: ENOENT });
  }

  *chains(table: string): Verb<readonly string[]> {
    const found = yield* this.#table(table);
    return found?.chains.map((c) => c.name) ?? (builtinChains(table) ?? []).map((c) => c.name);
  }

  *chainCounters(table: string | undefined): Verb<NamedCounters<CountedChain>> {
    const tables = yield* this.#tables(table === undefined ? tableNames : [table]);
    const rows = tables.flatMap((t) =>
      t.chains.flatMap(({ name, policy, foot }): NamedRow<CountedChain>[] =>
        policy === undefined ? [] : [{ of: { family: t.family, table: t.name, name, policy }, ...t.counterAt(foot) }],
      ),
    );
    return namedCounters(rows);
  }

  mirror(tables: readonly string[], pollMs: number): LegacyMirror {
    return new LegacyMirror(this.#context, tables, pollMs);
  }

  changes(_tables: readonly string[], pollMs: number): LegacyChanges {
    return new LegacyChanges(pollMs);
  }

  *hasTable(table: string): Verb<boolean> {
    return (yield* this.#table(table)) !== undefined;
  }

  *counters(table: string | undefined, chain: string | undefined): Verb<RuleCounters> {
    return yield* this.#polls.read(table === undefined ? tableNames : [table], chain, this.#context.bytes());
  }

  #table(table: string): Verb<LegacyTable | undefined> {
    return readTable(this.#connection, this.#context.family, table);
  }

  /** Those of `names` that the namespace has; each is read in one piece, all of them are not. */
  *#tables(names: readonly string[]): Verb<LegacyTable[]> {
    const out: LegacyTable[] = [];
    for (const name of yield* existingTables(this.#connection, this.#context.family, names)) {
      const table = yield* this.#table(name);
      if (table !== undefined) out.push(table);
    }
    return out;
  }
}
