// What can be done to one iptables table, whatever the backend: the commands a transaction collects.
import type { Counter } from '../model/ruleset.ts';
import type { RuleSpec } from './rule-spec.ts';

export type Command =
  | { readonly verb: 'append'; readonly chain: string; readonly rule: RuleSpec }
  | { readonly verb: 'insert'; readonly chain: string; readonly number: number; readonly rule: RuleSpec }
  | { readonly verb: 'replace'; readonly chain: string; readonly number: number; readonly rule: RuleSpec }
  | { readonly verb: 'delete'; readonly chain: string; readonly rule: RuleSpec }
  | { readonly verb: 'deleteAt'; readonly chain: string; readonly number: number }
  | { readonly verb: 'newChain' | 'deleteChain'; readonly chain: string }
  | { readonly verb: 'flushChain'; readonly chain: string | undefined }
  | { readonly verb: 'renameChain'; readonly chain: string; readonly to: string }
  | { readonly verb: 'setPolicy'; readonly chain: string; readonly policy: 'ACCEPT' | 'DROP'; readonly counter: Counter | undefined };
