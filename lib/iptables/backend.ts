// What Iptables needs of a backend: nf_tables is in compat/, legacy xtables in legacy/.
import type { CountedChain, NamedCounters } from '../counters/named.ts';
import type { RuleCounters } from '../counters/rows.ts';
import type { NetfilterError } from '../errors.ts';
import type { Ruleset } from '../model/ruleset.ts';
import type { CommitResult } from '../nftables/send.ts';
import type { Verb } from '../run.ts';
import type { Command, TableCommands } from './commands.ts';
import type { IptablesRule, RuleSpec } from './rule-spec.ts';
import type { SavableTable } from './save-format.ts';
import type { SavedTable } from './save-text.ts';
import type { Changes } from './sync/drift.ts';
import type { MirrorSource } from './sync/mirror.ts';
import type { SyncStore } from './sync/store.ts';

export interface IptablesRuleset extends Ruleset<IptablesRule> {
  readonly tables: readonly (SavableTable & Ruleset<IptablesRule>['tables'][number])[];
}

export interface CommitSettings {
  readonly dryRun?: boolean;
  readonly sending?: () => void;
}

/** What commands came to that were all applied. */
export interface Applied {
  /** How many had something to do: a conditional one may have nothing. */
  readonly changes: number;
  /** The numbers of those that had nothing. */
  readonly idle: ReadonlySet<number>;
}

export interface IptablesBackend {
  readonly name: 'nft' | 'legacy';
  /** All commands or none. `sending` is called when nf_tables' bytes are about to go out, or where a legacy table did not take them. */
  commit(table: string, commands: readonly Command[], o: CommitSettings): Verb<CommitResult & Applied>;
  /** As `commit`, of several tables at once; absent: a table is a commit of its own. Commands are numbered through all tables. */
  commitTables?(work: readonly TableCommands[], o: CommitSettings): Verb<Applied>;
  /** Whether fewer commands may be taken where all of them were refused with an error that names none. */
  fewerMayPass(err: NetfilterError): boolean;
  /** Asks the kernel for what writing the rules needs; ENOENT for an extension that it does not have. A commit does it too, of all its rules. */
  learn(rules: Iterable<RuleSpec>): Verb<void>;
  restore(tables: readonly SavedTable[], o: { readonly noflush: boolean; readonly counters: boolean; readonly test: boolean }): Verb<void>;
  snapshot(only?: readonly string[]): Verb<IptablesRuleset>;
  /** False where the chain or table isn't there. */
  exists(table: string, chain: string, rule: RuleSpec): Verb<boolean>;
  /** ENOENT for a user chain that isn't there. */
  list(table: string, chain: string | undefined): Verb<readonly IptablesRule[]>;
  /** In the order of the save commands, the builtin ones always among them. */
  chains(table: string): Verb<readonly string[]>;
  counters(table: string | undefined, chain: string | undefined): Verb<RuleCounters>;
  chainCounters(table: string | undefined): Verb<NamedCounters<CountedChain>>;
  /** Whether the namespace has the table. */
  hasTable(table: string): Verb<boolean>;
  readonly sync: SyncStore;
  /** `pollMs`: how often tables are read of which no events come. */
  mirror(tables: readonly string[], pollMs: number): MirrorSource;
  changes(tables: readonly string[], pollMs: number): Changes;
}
