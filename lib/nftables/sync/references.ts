// What of its table an expression, a rule or an element refers to.
import type { AnyExpression } from '../expressions/expression.ts';
import type { ElementAttributes } from '../objects/element.ts';
import type { ObjectAttributes } from '../objects/object.ts';
import type { SetAttributes } from '../objects/set.ts';
import { statefulKind } from '../objects/stateful/index.ts';
import { jumpOf } from '../taken.ts';

/** Objects of two kinds may have one name: the kernel looks for both together. */
export function objectKey(kind: unknown, name: string): string {
  return `${typeof kind === 'string' ? (statefulKind(kind)?.number ?? kind) : kind} ${name}`;
}
export const keyOfObject = ({ kind, name = '' }: ObjectAttributes): string => objectKey(kind, name);

export type Reference =
  | { readonly to: 'set' | 'chain' | 'flowtable'; readonly name: string }
  | { readonly to: 'object'; readonly name: string; readonly key: string };

export function referenceOf(e: AnyExpression): Reference | undefined {
  const { set, flowtable, name } = e as { readonly set?: unknown; readonly flowtable?: unknown; readonly name?: unknown };
  if (typeof set === 'string') return { to: 'set', name: set };
  if (e.type === 'objref' && typeof name === 'string') return { to: 'object', name, key: objectKey(e['kind'], name) };
  if (e.type === 'flow_offload' && typeof flowtable === 'string') return { to: 'flowtable', name: flowtable };
  const chain = jumpOf(e);
  return chain === undefined ? undefined : { to: 'chain', name: chain };
}

export function referenceOfElement({ objType }: SetAttributes, { objref, data }: ElementAttributes): Reference | undefined {
  if (objref !== undefined) return { to: 'object', name: objref, key: objectKey(objType, objref) };
  if (data === undefined || data instanceof Uint8Array || data.chain === undefined) return undefined;
  return { to: 'chain', name: data.chain };
}

/** The same expression with another name in the place of what it refers to. */
export function referringTo(e: AnyExpression, name: string): AnyExpression {
  if (typeof e['set'] === 'string') return { ...e, set: name };
  if (e.type === 'objref') return { ...e, name };
  if (e.type === 'immediate') return { ...e, data: { ...(e['data'] as object), chain: name } };
  return e;
}

export function elementReferringTo(e: ElementAttributes, name: string): ElementAttributes {
  if (e.objref !== undefined) return { ...e, objref: name };
  const { data } = e;
  return data === undefined || data instanceof Uint8Array ? e : { ...e, data: { ...data, chain: name } };
}
