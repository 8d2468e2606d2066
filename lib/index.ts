// The public names of nflink.
export type { CallOptions, Netns } from './connection.ts';
export type { RuleDelta } from './counters/deltas.ts';
export type { CountedChain, CountedObject, NamedCounters } from './counters/named.ts';
export type { CounterSample } from './counters/sample.ts';
export type { WatchOptions } from './counters/watch.ts';
export { type FailedOperation, NetfilterError, type Outcome, RuleSyntaxError } from './errors.ts';
export type { RunResult } from './iptables/command-line/run.ts';
export { type CompiledRuleset, compile } from './iptables/compile.ts';
export {
  type BackendChoice,
  type CounterOptions,
  Iptables,
  type IptablesOpenOptions,
  type MirrorOptions,
  type RestoreOptions,
  type SaveOptions,
} from './iptables/iptables.ts';
export type { Queue, QueueOptions } from './iptables/queue.ts';
export type { Extension, ForeignRule, IptablesRule, Not, RuleInput, RuleSpec } from './iptables/rule-spec.ts';
export { formatRule, parseRule, parseRules, rule } from './iptables/rule-text.ts';
export type { Desired } from './iptables/sync/desired.ts';
export type { DriftEvent, DriftOptions } from './iptables/sync/drift.ts';
export type { Mirror } from './iptables/sync/mirror.ts';
export type { ChainName, Plan } from './iptables/sync/plan.ts';
export type { SyncOptions, SyncReport } from './iptables/sync/reconcile.ts';
export type { JumpInput, Scope } from './iptables/sync/scope.ts';
export { IptablesTransaction } from './iptables/transaction.ts';
// biome-ignore format: a line holds what belongs together
export type {
  Chain, Counter, CounterSnapshot, ElementInput, Family, InstalledRule, NamedObject, Place, Ruleset, SetObject, Table,
} from './model/ruleset.ts';
export type { Subscription } from './model/subscription.ts';
export type { CountedElement } from './nftables/element-rows.ts';
export type {
  ChangedObject,
  ChangeEvent,
  CommitEvent,
  EventOptions,
  NftEvent,
  OverrunEvent,
  TraceEvent,
} from './nftables/events/types.ts';
export * as expressions from './nftables/expressions/builders.ts';
export type { Expression, InnerExpression, StatefulExpression, UnknownExpression, Verdict } from './nftables/expressions/index.ts';
export type { Bytes } from './nftables/expressions/values.ts';
export type { ChainInput, ObjectInput, RuleInput as NftRuleInput, StatefulObject, TableInput } from './nftables/input/types.ts';
export type { NftRule } from './nftables/installed-rule.ts';
export type { CountedQuota, QuotaSnapshot } from './nftables/named-counters.ts';
export { Nftables, type OpenOptions, type SetRef, type SnapshotOptions } from './nftables/nftables.ts';
export { type NftCommitResult, ResetError, type ResetRule, type ResetValue } from './nftables/reset.ts';
export type { RestoreSettings } from './nftables/restore.ts';
export type { CommitResult, Operation } from './nftables/send.ts';
export type { ElementQuery } from './nftables/sets/get-element.ts';
export type { ElementCounts } from './nftables/sync/elements.ts';
export type { NftPlan, NftSyncReport, Planned, PlannedChange, PlannedParts } from './nftables/sync/plan.ts';
export type { NftSyncSettings } from './nftables/sync/reconcile.ts';
export type { NftScope } from './nftables/sync/scope.ts';
export { type CommitOptions, NftTransaction } from './nftables/transaction.ts';
