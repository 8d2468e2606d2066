// One kind of object: which verbs it has, and how it is written for each. A kind is a file of this folder.
import { findAttribute } from '../../wire/attributes.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import type { AttributeWriter } from '../../wire/writer.ts';
import type { SetNeed, SetScope } from '../sets/scope.ts';
import type { VerbName } from './types.ts';

/** Something only the kernel knows, needed before the batch can be sent; written at `at` (a u64 in network order). */
export interface Lookup {
  readonly kind: 'chain handle' | 'rule handle';
  readonly family: number;
  readonly table: string;
  readonly chain: string;
  /** For rules: the place in the chain. */
  readonly index?: number;
  readonly at: number;
  /** Whose it is, for errors; the batch adds it. */
  readonly named?: { readonly verb: string; readonly object: unknown; readonly index?: number };
}

/** The header of a written operation. */
export interface Written {
  readonly type: number;
  readonly flags: number;
  readonly family: number;
  readonly lookup?: Lookup;
  /** Turns a path in the message into one in the user's object, where they differ. */
  locate?(path: string): string;
}

/** Position of a rule by another operation of the same transaction. */
export interface At {
  readonly position?: 'before' | 'after';
  readonly id?: number;
}

/** A verb of a kind: its message and nlmsg flags. */
export interface Pair {
  readonly type: number;
  readonly flags: number;
}

export interface WriteContext extends Pair {
  /** Where attributes go; `emit` ends a message. */
  readonly w: AttributeWriter;
  readonly verb: VerbName;
  /** This operation's own number, from which its NFTA_RULE_ID is made. */
  readonly index: number;
  readonly at: At;
  /** Ends the message whose attributes have been written to `w` since the last one. An operation may be several messages. */
  emit(header: Written): void;
  /** Sets this transaction has added so far. */
  readonly sets: SetScope;
  /** The operation needs to know a set the transaction has not added: it is written again when that was looked at. */
  defer(need: SetNeed): void;
}

export type Input = Readonly<Record<string, unknown>>;

export interface ObjectKind {
  readonly verbs: Partial<Readonly<Record<VerbName, Pair>>>;
  write(input: Input, c: WriteContext): void;
}

/** No kernel can do it, or nflink cannot yet. */
export class UnsupportedPair extends Error {}

/** Refuses properties that no such object has. */
export function only(input: Input, allowed: readonly string[]): void {
  for (const key in input) {
    if (!allowed.includes(key) && input[key] !== undefined) throw new EncodeError(key, `unknown property, one of ${allowed.join(', ')}`);
  }
}

export function nameIn(input: Input, key: string): string {
  const v = input[key];
  if (typeof v !== 'string' || v === '') throw new EncodeError(key, v === undefined ? 'is missing' : `a name is needed, not ${show(v)}`);
  return v;
}

export function handleIn(input: Input): bigint | undefined {
  const h = input['handle'];
  if (h === undefined) return undefined;
  if (typeof h === 'bigint') return h;
  if (typeof h === 'number' && Number.isSafeInteger(h)) return BigInt(h);
  throw new EncodeError('handle', `a bigint or a safe integer is needed, not ${show(h)}`);
}

/** The property where there is a value, nothing where there isn't. */
export function given<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

/** Where the payload of an attribute just written stands: a handle that is looked up before sending is put there. */
export function payloadAt(w: AttributeWriter, start: number, type: number): number {
  const found = findAttribute(w.bytes, start, w.length, type);
  if (found === undefined) throw new EncodeError('handle', 'was not written');
  return found[0];
}
