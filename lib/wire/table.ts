// The table engine: one declarative table per object or expression drives writing, reading and the TypeScript type.
// What the table does not name stays as its original bytes, with the place it had, and goes back unchanged.
import { align4, attributeLength, attributeType, u16 } from './attributes.ts';
import { EncodeError, joinPath } from './errors.ts';
import { type Kind, reviveBytes, show } from './kinds.ts';
import { type AttributeWriter, NLA_F_NESTED } from './writer.ts';

/** One attribute of a table: the kernel's number and its payload's kind. */
export interface Attribute<T, R extends boolean> {
  readonly id: number;
  readonly kind: Kind<T>;
  readonly required: R;
}
export function required<T>(id: number, kind: Kind<T>): Attribute<T, true> {
  return { id, kind, required: true };
}
export function optional<T>(id: number, kind: Kind<T>): Attribute<T, false> {
  return { id, kind, required: false };
}

export type Shape = Readonly<Record<string, Attribute<unknown, boolean>>>;
type Value<A> = A extends Attribute<infer T, boolean> ? T : never;
type Flat<T> = { [K in keyof T]: T[K] };
/** An attribute no table names. `type` keeps the flag bits; `index` is its place among its siblings. */
export interface UnknownAttribute {
  readonly index: number;
  readonly type: number;
  readonly data: Uint8Array;
}
/** The object type that follows from a table. */
export type Fields<S extends Shape> = Flat<
  { readonly [K in keyof S as S[K] extends Attribute<unknown, true> ? K : never]: Value<S[K]> } & {
    readonly [K in keyof S as S[K] extends Attribute<unknown, true> ? never : K]?: Value<S[K]>;
  } & { readonly unknown?: readonly UnknownAttribute[] }
>;

interface Field {
  readonly name: string;
  readonly id: number;
  readonly kind: Kind<unknown>;
  readonly required: boolean;
}

export class AttributeTable<T extends object> {
  readonly #fields: readonly Field[];
  readonly #byId: (Field | undefined)[] = [];
  readonly #names: Set<string>;

  constructor(shape: Shape, alsoAllowed: readonly string[] = []) {
    this.#fields = Object.entries(shape).map(([name, a]) => ({ name, id: a.id, kind: a.kind, required: a.required }));
    for (const field of this.#fields) this.#byId[field.id] = field;
    this.#names = new Set([...Object.keys(shape), 'unknown', ...alsoAllowed]);
  }

  /** Names no attribute at all. */
  get fieldless(): boolean {
    return this.#fields.length === 0;
  }

  /** Appends the attributes of `value` in table order. Throws EncodeError with the path of the wrong word. */
  encode(w: AttributeWriter, value: T): void {
    const object = value as Readonly<Record<string, unknown>>;
    for (const name in object) {
      if (!this.#names.has(name)) throw new EncodeError(name, `unknown property, one of ${[...this.#names].join(', ')}`);
    }
    const unknown = checkedUnknown(object['unknown']);
    let next = 0;
    let written = 0;
    for (const field of this.#fields) {
      const v = object[field.name];
      if (v === undefined) {
        if (field.required) throw new EncodeError(field.name, 'is missing');
        continue;
      }
      if (unknown !== undefined) {
        for (; next < unknown.length && (unknown[next] as UnknownAttribute).index === written; next++, written++)
          putUnknown(w, unknown[next] as UnknownAttribute);
      }
      try {
        field.kind.put(w, field.id, v);
      } catch (err) {
        throw err instanceof EncodeError ? err.within(field.name) : err;
      }
      written++;
    }
    if (unknown !== undefined) for (; next < unknown.length; next++) putUnknown(w, unknown[next] as UnknownAttribute);
  }

  /**
   * Reads attributes into an object that starts as `seed`. Undefined when a required attribute is missing or one stands
   * twice: the caller then keeps the bytes. Throws DecodeError where the framing itself is broken.
   */
  decode(bytes: Uint8Array, start: number, end: number, seed: Record<string, unknown> = {}): T | undefined {
    let unknown: UnknownAttribute[] | undefined;
    const seen: boolean[] = [];
    for (let at = start, index = 0; at < end; index++) {
      const length = attributeLength(bytes, at, end);
      const field = this.#byId[attributeType(bytes, at)];
      const value = field?.kind.get(bytes, at + 4, at + length);
      if (field !== undefined) {
        if (seen[field.id] === true) return undefined;
        seen[field.id] = true;
      }
      if (field === undefined || value === undefined) {
        unknown ??= [];
        unknown.push({ index, type: u16(bytes, at + 2), data: bytes.slice(at + 4, at + length) });
      } else seed[field.name] = value;
      at += align4(length);
    }
    for (const field of this.#fields) if (field.required && seed[field.name] === undefined) return undefined;
    if (unknown !== undefined) seed['unknown'] = unknown;
    return seed as T;
  }

  /** The object that model/json.ts made plain. Unchecked: `encode` checks. */
  revive(json: unknown): T {
    if (typeof json !== 'object' || json === null) return json as T;
    const out: Record<string, unknown> = { ...json };
    for (const field of this.#fields) {
      const v = out[field.name];
      if (v !== undefined && field.kind.revive !== undefined) out[field.name] = field.kind.revive(v);
    }
    if (Array.isArray(out['unknown'])) {
      out['unknown'] = out['unknown'].map((a: { readonly data?: unknown }) => ({ ...a, data: reviveBytes(a.data) }));
    }
    return out as T;
  }

  /** The dotted path of the attribute at byte `offset`. */
  path(bytes: Uint8Array, start: number, end: number, offset: number): string {
    for (let at = start; at < end; ) {
      const length = attributeLength(bytes, at, end);
      const stop = at + align4(length);
      if (offset < stop) {
        const field = this.#byId[attributeType(bytes, at)];
        if (field === undefined) return '';
        if (offset < at + 4) return field.name;
        return joinPath(field.name, field.kind.path?.(bytes, at + 4, at + length, offset) ?? '');
      }
      at = stop;
    }
    return '';
  }
}

function checkedUnknown(value: unknown): readonly UnknownAttribute[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw new EncodeError('unknown', `a list is needed, not ${show(value)}`);
  for (const [i, a] of (value as readonly unknown[]).entries()) {
    const { index, type, data } = typeof a === 'object' && a !== null ? (a as Partial<UnknownAttribute>) : {};
    if (!(Number.isInteger(index) && (index as number) >= 0)) throw new EncodeError(`unknown[${i}].index`, 'a place from 0 is needed');
    if (!(Number.isInteger(type) && (type as number) >= 0 && (type as number) <= 0xffff)) {
      throw new EncodeError(`unknown[${i}].type`, 'a number of 16 bits is needed');
    }
    if (!(data instanceof Uint8Array)) throw new EncodeError(`unknown[${i}].data`, `bytes are needed, not ${show(data)}`);
  }
  return value as readonly UnknownAttribute[];
}

function putUnknown(w: AttributeWriter, a: UnknownAttribute): void {
  w.raw(a.type, a.data);
}

/** A table of plain fields. */
export function attributes<S extends Shape>(shape: S): AttributeTable<Fields<S>> {
  return new AttributeTable<Fields<S>>(shape);
}

/** An attribute that holds a table's attributes. */
export function nested<T extends object>(table: AttributeTable<T>): Kind<T> {
  return {
    put: (w, type, value) => {
      if (typeof value !== 'object' || value === null) throw new EncodeError('', `an object is needed, not ${show(value)}`);
      const at = w.begin(type | NLA_F_NESTED);
      table.encode(w, value);
      w.end(at);
    },
    get: (bytes, start, end) => table.decode(bytes, start, end),
    path: (bytes, start, end, offset) => table.path(bytes, start, end, offset),
    revive: (json) => table.revive(json),
  };
}
