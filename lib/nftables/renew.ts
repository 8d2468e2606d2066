// State-keeping expressions and objects as they were before any packet: what restore writes unless counters are asked for.
import type { ObjectAttributes } from './objects/object.ts';

type Properties = Readonly<Record<string, unknown>>;

/** What a state-keeping expression or object of this name begins with; undefined removes the attribute. */
const fresh: Readonly<Record<string, Properties>> = {
  counter: { packets: 0n, bytes: 0n },
  quota: { consumed: undefined, used: undefined },
  last: { set: undefined, msecs: undefined },
};

function renewed(name: string, properties: Properties): Properties {
  const start = Object.hasOwn(fresh, name) ? fresh[name] : undefined;
  if (start === undefined) return properties;
  return Object.fromEntries(Object.entries({ ...properties, ...start }).filter(([, v]) => v !== undefined));
}

export function renewExpressions<E extends { readonly type: string }>(expressions: readonly E[]): readonly E[] {
  return expressions.map((e) => renewed(e.type, e) as unknown as E);
}

export function renewObject(o: ObjectAttributes): ObjectAttributes {
  const { kind, data } = o;
  if (typeof kind !== 'string' || typeof data !== 'object' || data === null || data instanceof Uint8Array) return o;
  return { ...o, data: renewed(kind, data as Properties) };
}
