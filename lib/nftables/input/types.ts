// What users may put into a transaction: libnftables-json(5)'s objects.
import type { ElementInput, Family, SetObject } from '../../model/ruleset.ts';
import type { Expression } from '../expressions/index.ts';

export type VerbName = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'destroy' | 'flush' | 'rename' | 'reset';

export interface TableInput {
  readonly family: Family;
  readonly name: string;
  readonly handle?: bigint | number;
  readonly flags?: string | readonly string[];
  readonly comment?: string;
}
export interface ChainInput {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint | number;
  readonly newname?: string;
  readonly type?: string;
  readonly hook?: string;
  /** A number, or nft's names with an offset: 'filter', 'dstnat - 5'. */
  readonly prio?: number | string;
  readonly policy?: 'accept' | 'drop';
  readonly dev?: string | readonly string[];
  readonly comment?: string;
}
export interface RuleInput {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** delete, replace: the rule. add: the rule to come after. insert: the rule to come before. */
  readonly handle?: bigint | number;
  /** In place of a handle: the rule's place in the chain from 0, looked up when the transaction is committed. */
  readonly index?: number;
  /** Kept in userdata as nft keeps it; at most 128 bytes. */
  readonly comment?: string;
  readonly expressions?: readonly Expression[];
}
// biome-ignore format: a line holds what belongs together
export type StatefulObject =
  | 'counter' | 'quota' | 'limit' | 'ct helper' | 'ct timeout' | 'ct expectation' | 'synproxy' | 'secmark' | 'tunnel' | 'flowtable';
type StatefulInput = { [K in StatefulObject]: { readonly [P in K]: Readonly<Record<string, unknown>> } }[StatefulObject];

/** libnftables-json(5)'s objects. */
export type ObjectInput =
  | { readonly table: TableInput }
  | { readonly chain: ChainInput }
  | { readonly rule: RuleInput }
  | { readonly set: SetObject }
  | { readonly map: SetObject & { readonly map: string } }
  | {
      readonly element: {
        readonly family: Family;
        readonly table: string;
        readonly name: string;
        readonly elem: readonly ElementInput[] | { readonly keys: Uint8Array; readonly timeout?: number };
      };
    }
  | StatefulInput;
