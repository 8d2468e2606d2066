// What becomes of the parts of a table: each by its name as it is and as it shall be, with what has to happen to it.

import type { Family } from '../../model/ruleset.ts';
import type { Alignment } from '../../sync/align.ts';
import type { Counts } from '../../sync/report.ts';
import type { FlowtableAttributes } from '../objects/flowtable.ts';
import type { ObjectAttributes } from '../objects/object.ts';
import type { PortableChain, PortableSet, PortableTable } from '../portable.ts';
import type { TableContent } from './content.ts';
import type { ElementPlan } from './elements.ts';

/** `anew`: deleted and made in the same transaction, since the kernel changes it in no other way. `change`: in place. */
export type How = 'add' | 'delete' | 'anew' | 'change' | 'keep';

export interface Part<T> {
  readonly name: string;
  readonly how: How;
  /** The attributes that differ. */
  readonly why: readonly string[];
  readonly was: T | undefined;
  readonly will: T | undefined;
}

export interface ChainPlan extends Part<PortableChain> {
  /** Of the rules. */
  readonly alignment: Alignment;
}
export interface SetPlan extends Part<PortableSet> {
  readonly elements: ElementPlan;
}

/** Its `was` and `will` are whole tables; what of them is not in the scope is in none of the lists. */
export interface TablePlan extends Counts, Part<PortableTable> {
  readonly family: Family;
  readonly chains: readonly ChainPlan[];
  readonly sets: readonly SetPlan[];
  readonly objects: readonly Part<ObjectAttributes>[];
  readonly flowtables: readonly Part<FlowtableAttributes>[];
  readonly minimal: boolean;
  /** Of what is desired. */
  readonly content: TableContent;
}

export const isMade = ({ how }: Part<unknown>): boolean => how === 'add' || how === 'anew';
export const isGone = ({ how }: Part<unknown>): boolean => how === 'delete' || how === 'anew';

function changesRules({ alignment: { from, gone, kept } }: ChainPlan): boolean {
  return gone.length > 0 || kept < from.length;
}
function changesElements({ elements: { added, removed, refreshed } }: SetPlan): boolean {
  return added.length + removed.length + refreshed.length > 0;
}

export function isEmpty(plan: TablePlan): boolean {
  const { chains, sets, objects, flowtables } = plan;
  if ([plan, ...chains, ...sets, ...objects, ...flowtables].some(({ how }) => how !== 'keep')) return false;
  return !chains.some(changesRules) && !sets.some(changesElements);
}

export type Pair<T> = Pick<Part<T>, 'name' | 'was' | 'will'>;

/** By key, those that are desired first. */
export function pairs<T>(before: readonly T[], after: readonly T[], nameOf: (one: T) => string | undefined, keyOf = nameOf): Pair<T>[] {
  const old = new Map(before.map((one) => [keyOf(one) ?? '', one]));
  const out: Pair<T>[] = [];
  for (const will of after) {
    const key = keyOf(will) ?? '';
    out.push({ name: nameOf(will) ?? '', was: old.get(key), will });
    old.delete(key);
  }
  for (const was of old.values()) out.push({ name: nameOf(was) ?? '', was, will: undefined });
  return out;
}

/** `inPlace`: the attributes that the kernel changes. */
export function part<T>({ name, was, will }: Pair<T>, differences: (was: T, will: T) => string[], inPlace: readonly string[]): Part<T> {
  if (was === undefined) return { name, was, will, how: will === undefined ? 'keep' : 'add', why: [] };
  if (will === undefined) return { name, was, will, how: 'delete', why: [] };
  const why = differences(was, will);
  return { name, was, will, how: why.length === 0 ? 'keep' : why.every((what) => inPlace.includes(what)) ? 'change' : 'anew', why };
}

/** What stays of a table that is made anew is made anew with it. */
export function withTable<T, P extends Part<T>>(list: readonly P[]): P[] {
  return list.map((p) => (p.how === 'keep' || p.how === 'change' ? { ...p, how: 'anew' } : p));
}
