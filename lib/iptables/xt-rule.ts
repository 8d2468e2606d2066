// A rule as xtables knows it: base fields and extension structs as bytes. It stands between the typed options of a RuleSpec
// and what a backend stores: nf_tables expressions, or an ipt_entry.
import type { Counter } from '../model/ruleset.ts';
import type { IpFamily } from './extensions/codec.ts';

/** For rules that are put together field by field. */
export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** One xt_entry_match or xt_entry_target; `data` is padded to XT_ALIGN. */
export interface XtExtension {
  readonly name: string;
  readonly revision: number;
  readonly data: Uint8Array;
}
export interface XtAddress {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
  readonly not: boolean;
}
export interface XtInterface {
  /** Without the + of a prefix. */
  readonly name: string;
  readonly prefix: boolean;
  readonly not: boolean;
}
export type XtVerdict =
  | { readonly verdict: 'accept' | 'drop' | 'return' | 'queue' }
  | { readonly verdict: 'jump' | 'goto'; readonly chain: string };

export interface XtRule {
  readonly family: IpFamily;
  readonly protocol?: { readonly number: number; readonly not: boolean };
  readonly source?: XtAddress;
  readonly destination?: XtAddress;
  readonly inInterface?: XtInterface;
  readonly outInterface?: XtInterface;
  readonly fragment?: { readonly not: boolean };
  readonly matches: readonly XtExtension[];
  readonly target?: XtExtension | XtVerdict;
  readonly counter?: Counter;
}

/** XT_ALIGN: structs are stored in multiples of eight bytes. */
export function xtAlign(size: number): number {
  return (size + 7) & ~7;
}
