// What users may put into a transaction: libnftables-json(5)'s objects.
import type { Counter, ElementInput, Family, SetObject } from '../../model/ruleset.ts';
import type { Expression } from '../expressions/index.ts';

export type VerbName = 'add' | 'create' | 'insert' | 'replace' | 'delete' | 'destroy' | 'flush' | 'rename' | 'reset';

export interface TableInput {
  readonly family: Family;
  /** Without it the handle says which (not for add and create). */
  readonly name?: string;
  readonly handle?: bigint | number;
  /** dormant, owner, persist. Without flags none are set: adding a dormant table again makes it active, as nft does. */
  readonly flags?: string | readonly string[];
  readonly comment?: string;
  /** As rules have it. */
  readonly userdata?: Uint8Array;
}
export interface ChainInput {
  readonly family: Family;
  readonly table: string;
  /** Left out for a chain with an `id` and the flag `binding`: the kernel names it. */
  readonly name?: string;
  /** Names the chain inside its transaction, for `chainId` of rules and verdicts. */
  readonly id?: number;
  /** offload; binding: the chain goes with the one rule that jumps to it. */
  readonly flags?: string | readonly string[];
  readonly handle?: bigint | number;
  readonly newname?: string;
  readonly type?: string;
  readonly hook?: string;
  /** A number, or nft's names with an offset: 'filter', 'dstnat - 5'. */
  readonly prio?: number | string;
  readonly policy?: 'accept' | 'drop';
  /** netdev, and ingress of inet. A trailing * is a prefix (Linux 6.18); in delete: the devices that the chain loses. */
  readonly dev?: string | readonly string[];
  /** What a base chain begins to count from. */
  readonly counter?: Counter;
  readonly comment?: string;
  readonly userdata?: Uint8Array;
}
export interface RuleInput {
  readonly family: Family;
  readonly table: string;
  readonly chain?: string;
  /** In place of `chain`: a chain that this transaction adds under this id. */
  readonly chainId?: number;
  /** delete, replace: the rule. add: the rule to come after. insert: the rule to come before. */
  readonly handle?: bigint | number;
  /** In place of a handle: the rule's place in the chain from 0, looked up when the transaction is committed. */
  readonly index?: number;
  /** Kept in userdata as nft keeps it; at most 128 bytes. */
  readonly comment?: string;
  /** At most 256 bytes, as nft keeps them: type, length, value. A comment is put in its place there, all else is kept. */
  readonly userdata?: Uint8Array;
  readonly expressions?: readonly Expression[];
}
// biome-ignore format: a line holds what belongs together
export type StatefulObject =
  | 'counter' | 'quota' | 'limit' | 'ct helper' | 'ct timeout' | 'ct expectation' | 'synproxy' | 'secmark' | 'tunnel' | 'connlimit' | 'flowtable';
type StatefulInput = { [K in StatefulObject]: { readonly [P in K]: Readonly<Record<string, unknown>> } }[StatefulObject];

/** libnftables-json(5)'s objects. */
export type ObjectInput =
  /** flush only: every table, of a family or of all. */
  | { readonly ruleset: { readonly family?: Family } }
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
        /** `keys`: packed, in the set's own byte order. */
        readonly elem: readonly ElementInput[] | { readonly keys: Uint8Array; readonly timeout?: number | string };
        /** delete: ENOENT also where an element of a set with timeouts may just have expired. */
        readonly strict?: boolean;
      };
    }
  | StatefulInput;
