// What Iptables needs of a backend: nf_tables is in compat/, legacy xtables in legacy/.
import type { CountedChain, NamedCounters } from '../counters/named.ts';
import type { RuleCounters } from '../counters/rows.ts';
import type { Ruleset } from '../model/ruleset.ts';
import type { CommitResult } from '../nftables/send.ts';
import type { Verb } from '../run.ts';
import type { Command } from './commands.ts';
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

export interface IptablesBackend {
  readonly name: 'nft' | 'legacy';
  /** All commands or none; `changes` counts those that had something to do. `sending` is called when nf_tables' bytes are about to go out, or where a legacy table did not take them. */
  commit(table: string, commands: readonly Command[], o: CommitSettings): Verb<CommitResult & { readonly changes: number }>;
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
