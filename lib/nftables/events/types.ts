// What a subscription to nf_tables tells.
import type { Chain, Family, InstalledRule, NamedObject, Ruleset, SetObject, Table } from '../../model/ruleset.ts';
import type { NftRule } from '../installed-rule.ts';
import type { ElementAttributes } from '../objects/element.ts';
import type { Flowtable } from '../objects/flowtable.ts';
import type { Packet } from './packet.ts';

export interface EventOptions {
  /** Only these. Default: all. What isn't asked for isn't subscribed to: a flood of traces can't then push commits out. */
  readonly kinds?: readonly NftEvent['kind'][];
  /** Its abort ends the iteration. */
  readonly signal?: AbortSignal;
  /** A snapshot in which the rules of traces are looked up, so that they come with index, comment and expressions. */
  readonly rules?: Ruleset<NftRule>;
}

/** JSON.stringify takes each as it is: a bigint becomes a number when safe, else a decimal string; raw bytes base64. */
export type NftEvent = CommitEvent | OverrunEvent | TraceEvent;

/** One commit, whoever made it. */
export interface CommitEvent {
  readonly kind: 'commit';
  /** The generation it made. */
  readonly generation: number;
  /** Made through this connection. */
  readonly own: boolean;
  /**
   * The committing thread, numbered in the initial pid namespace. 0, and no process: the kernel said it by itself, such as a
   * quota that is used up; `generation` is then the one it happened in, or 0 where none is known yet.
   */
  readonly tid: number;
  /** The thread's name (`comm`). */
  readonly process: string;
  /** In the kernel's order; decoded when looked at. */
  readonly changes: readonly ChangeEvent[];
}

export interface ChangeEvent {
  readonly verb: 'add' | 'delete' | 'flush';
  /** Decoded when looked at. A deleted object has little more than its names and handle. */
  readonly object: ChangedObject;
}

/**
 * Messages were lost: the kernel's buffer was full, or this process did not read. A snapshot taken after this event has
 * all that was lost in it; commits up to its generation are then to be passed over, and the first commit after this event
 * may lack changes.
 */
export interface OverrunEvent {
  readonly kind: 'overrun';
}

/** One step of a traced packet. */
export interface TraceEvent {
  readonly kind: 'trace';
  /** The same for every step of one packet. */
  readonly id: number;
  /** `rule`: a rule gave a verdict. `return`: a chain ended. `policy`: a base chain's policy decided. */
  readonly type: string;
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
  /** accept, drop, continue, jump, goto, return, break, queue; of a policy step the policy. */
  readonly verdict?: string;
  /** Where jump and goto lead. */
  readonly target?: string;
  /** Of `type` rule. From EventOptions.rules where it is in there; else `index` is -1. */
  readonly rule?: InstalledRule & { readonly handle: bigint };
  /** With the packet's first step in a hook. */
  readonly packet?: Packet;
  /** The packet's mark, where it isn't 0. */
  readonly mark?: number;
  /** The packet's own family: `ip` within a table of inet. */
  readonly nfproto?: Family;
  /** Conntrack's view of the packet, on kernels that tell (6.16 and later). */
  readonly ct?: { readonly id?: number; readonly direction?: 'original' | 'reply'; readonly status?: number; readonly state?: number };
}

export type ChangedTable = Pick<Table<InstalledRule>, 'family' | 'name' | 'handle' | 'flags' | 'comment'>;
export type ChangedChain = Omit<Chain<InstalledRule>, 'rules' | 'counter' | 'references'>;
export interface ChangedRule extends Omit<NftRule, 'index' | 'bytecode'> {
  /** Handle of the rule it stands behind, where the kernel says it. */
  readonly position?: bigint;
}
/** Deleted, it has only family, table, name and handle: the kernel tells no more, not even whether it was a map. */
export type ChangedSet = Omit<SetObject, 'type'> & Partial<Pick<SetObject, 'type'>>;
export interface ChangedElements {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** Keys and data as bytes, in the set's own byte order. */
  readonly elem: readonly ElementAttributes[];
}
/**
 * Keyed as ObjectInput is, so that what was added can be told from its shape. Stateful objects stand under their kind. A
 * deleted map stands under `set`: the kernel's message does not tell it from one.
 */
export type ChangedObject =
  | { readonly table: ChangedTable }
  | { readonly chain: ChangedChain }
  | { readonly rule: ChangedRule }
  | { readonly set: ChangedSet }
  | { readonly map: SetObject }
  | { readonly element: ChangedElements }
  | { readonly flowtable: Flowtable }
  | { readonly unknown: { readonly type: number; readonly family: number; readonly data: Uint8Array } }
  | Readonly<Record<string, NamedObject>>;
