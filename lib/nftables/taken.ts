// Dumped objects in the form in which the kernel takes them: without what is its own to say, and counted from the beginning unless
// `counters` are kept.

import type { Family } from '../model/ruleset.ts';
import { inferCompat } from './compat.ts';
import { acceptable, acceptableQuota } from './expressions/acceptable.ts';
import type { AnyExpression } from './expressions/expression.ts';
import type { StatefulExpression } from './expressions/index.ts';
import type { ChainAttributes } from './objects/chain.ts';
import { type ElementAttributes, livingOn } from './objects/element.ts';
import type { ObjectAttributes } from './objects/object.ts';
import type { RuleAttributes } from './objects/rule.ts';
import type { SetAttributes } from './objects/set.ts';
import type { TableAttributes } from './objects/table.ts';
import type { PortableChain, PortableRule } from './portable.ts';
import { renewExpressions, renewObject } from './renew.ts';

/** An owned table is its socket's and would vanish with ours: what is written belongs to nobody. */
export function tableAsTaken({ handle: _1, use: _2, owner: _3, flags, ...rest }: TableAttributes): TableAttributes {
  return { ...rest, ...(flags === undefined ? {} : { flags: flags.filter((f) => f !== 'owner') }) };
}

export function objectAsTaken({ handle: _1, use: _2, ...o }: ObjectAttributes, counters: boolean): ObjectAttributes {
  const { data } = o;
  const isQuota = o.kind === 'quota' && typeof data === 'object' && data !== null && !(data instanceof Uint8Array);
  const taken = isQuota ? { ...o, data: acceptableQuota(data) } : o;
  return counters ? taken : renewObject(taken);
}

/** Without what names it inside a batch. */
export function setAsTaken({ handle: _1, type: _2, count: _3, id: _4, ...s }: SetAttributes): SetAttributes {
  return withExpressions(s, (e) => e.map(acceptable));
}

export function chainAsTaken({ handle: _1, use: _2, counters: counted, ...c }: ChainAttributes, counters: boolean): ChainAttributes {
  if (counted === undefined) return c;
  return { ...c, counters: counters ? counted : { packets: 0n, bytes: 0n } };
}

export function expressionsAsTaken<E extends AnyExpression>(expressions: readonly E[], counters: boolean): readonly E[] {
  const taken = expressions.map(acceptable);
  return counters ? taken : renewExpressions(taken);
}

/** What a rule is beside its place. */
export function ruleContent(family: Family, expressions: readonly AnyExpression[], userdata: Uint8Array | undefined): RuleAttributes {
  const compat = inferCompat(family, expressions);
  return { expressions, ...(userdata === undefined ? {} : { userdata }), ...(compat === undefined ? {} : { compat }) };
}

/** The form the kernel takes (nft_add_set_elem): the end of a range has a key and nothing else. */
export function elementAsTaken(e: ElementAttributes, counters: boolean): ElementAttributes {
  if (isEnd(e)) return elementKey(e);
  return withExpressions(livingOn(e), (list) => expressionsAsTaken(list, counters));
}

/** What an element is found by. */
export function elementKey({ key, keyEnd, flags }: ElementAttributes): ElementAttributes {
  return {
    ...(key === undefined ? {} : { key }),
    ...(keyEnd === undefined ? {} : { keyEnd }),
    ...(flags === undefined ? {} : { flags }),
  };
}

export function isEnd(e: ElementAttributes): boolean {
  return e.flags?.includes('interval end') === true;
}

/** Whether a set keeps the two ends of a range as two elements. */
export function hasEnds({ flags }: SetAttributes): boolean {
  return flags?.includes('interval') === true && !flags.includes('concat');
}

/**
 * The elements of a set with ends as they are written: in ascending order, the end of one before a start at the same key, as the kernel checks
 * overlaps; and without ends that end nothing: of a range that has just expired the kernel still dumps the end. An end at 0 opens a set that does
 * not begin there, as nft writes it.
 */
export function* wholeRanges(elements: Iterable<ElementAttributes>): Generator<ElementAttributes> {
  let open = false;
  let first = true;
  for (const e of [...elements].sort(byKey)) {
    if (e.key === undefined) {
      yield e;
      continue;
    }
    const end = isEnd(e);
    const opens = first && end && e.key.every((byte) => byte === 0);
    first = false;
    if (end && !open && !opens) continue;
    open = !end;
    yield e;
  }
}

function byKey(a: ElementAttributes, b: ElementAttributes): number {
  const order = Buffer.compare(a.key ?? new Uint8Array(0), b.key ?? new Uint8Array(0));
  if (order !== 0) return order;
  return Number(isEnd(b)) - Number(isEnd(a));
}

interface Stateful {
  readonly expr?: StatefulExpression;
  readonly expressions?: readonly StatefulExpression[];
}

/** Sets and elements hold one expression as `expr`, several as `expressions`. */
function withExpressions<T extends Stateful>(holder: T, change: (list: readonly StatefulExpression[]) => readonly StatefulExpression[]): T {
  const { expr, expressions } = holder;
  if (expr === undefined && expressions === undefined) return holder;
  const one = expr === undefined ? undefined : change([expr])[0];
  return {
    ...holder,
    ...(one === undefined ? {} : { expr: one }),
    ...(expressions === undefined ? {} : { expressions: change(expressions) }),
  };
}

/** An anonymous chain: it has one rule that jumps to it, and goes with that. */
export function isBound({ flags }: ChainAttributes): boolean {
  return flags?.includes('binding') === true;
}

/** The chain that an expression jumps or goes to. */
export function jumpOf(e: AnyExpression): string | undefined {
  return e.type === 'immediate' ? (e['data'] as { readonly chain?: string } | undefined)?.chain : undefined;
}

/**
 * The kernel takes no more rules into an anonymous chain once a rule jumps to it: those chains come before the chains that jump
 * to them, innermost first.
 */
export function boundFirst(chains: readonly PortableChain[]): readonly PortableChain[] {
  const bound = new Map(chains.filter((c) => isBound(c.attributes)).map((c) => [c.attributes.name ?? '', c]));
  if (bound.size === 0) return chains;
  const ordered: PortableChain[] = [];
  const visit = (chain: PortableChain): void => {
    bound.delete(chain.attributes.name ?? '');
    for (const to of jumps(chain.rules)) {
      const inner = bound.get(to);
      if (inner !== undefined) visit(inner);
    }
    ordered.push(chain);
  };
  const others = chains.filter((c) => !bound.has(c.attributes.name ?? ''));
  for (const chain of bound.values()) visit(chain);
  return [...ordered, ...others];
}

function* jumps(rules: Iterable<PortableRule>): Generator<string> {
  for (const { expressions } of rules)
    for (const e of expressions) {
      const to = jumpOf(e);
      if (to !== undefined) yield to;
    }
}
