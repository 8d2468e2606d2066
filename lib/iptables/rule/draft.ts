// A rule put together from what the parser has found.
import type { RuleSpec } from '../rule-spec.ts';

/** A rule whose fields are still to come. */
export type Draft = { -readonly [K in keyof RuleSpec]: RuleSpec[K] };

/** A network of no bits says nothing, unless it is inverted: that matches no packet. */
export function network(text: string | undefined, inverted: boolean): RuleSpec['source'] {
  if (text === undefined) return undefined;
  if (inverted) return { not: text };
  return text.endsWith('/0') ? undefined : text;
}

/** With every field at its place, and none that is undefined. */
export function assemble(draft: Draft, source: RuleSpec['source'], destination: RuleSpec['source']): RuleSpec {
  const spec: Draft = {};
  if (draft.protocol !== undefined) spec.protocol = draft.protocol;
  if (source !== undefined) spec.source = source;
  if (destination !== undefined) spec.destination = destination;
  if (draft.inInterface !== undefined) spec.inInterface = draft.inInterface;
  if (draft.outInterface !== undefined) spec.outInterface = draft.outInterface;
  if (draft.fragment !== undefined) spec.fragment = draft.fragment;
  if (draft.counter !== undefined) spec.counter = draft.counter;
  if (draft.matches !== undefined) spec.matches = draft.matches;
  if (draft.target !== undefined) spec.target = draft.target;
  return spec;
}
