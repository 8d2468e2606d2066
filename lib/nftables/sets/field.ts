// What a set's key or data is made of: one value, or several that are concatenated, each padded to four bytes. A value in
// between is bytes in network order; here they get the kernel's order and come back from it.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { type ByteOrder, type Datatype, datatypeNamed, datatypeNamesKnown, datatypeOf } from './datatypes.ts';

export interface Field {
  readonly type: Datatype;
  /** Bytes, without padding. */
  readonly size: number;
  readonly order: ByteOrder;
}

export interface DataKind {
  readonly fields: readonly Field[];
  /** Bytes of the whole, with the padding of a concatenation. */
  readonly length: number;
  /** NFTA_SET_KEY_TYPE: type numbers, 6 bits each. */
  readonly id: number;
}

const TYPE_BITS = 6;
/** Of a single type; numbers above are concatenations. */
export const TYPE_MASK = (1 << TYPE_BITS) - 1;
/** NFT_REG32_COUNT fields of 4 bytes; u32 has room for five type numbers. */
const FIELDS_MAX = 5;
/** NFT_DATA_VALUE_MAXLEN. */
const LENGTH_MAX = 64;

export const padded = (size: number): number => (size + 3) & ~3;

export function dataKind(fields: readonly Field[]): DataKind {
  const [only] = fields;
  const length = fields.length === 1 && only !== undefined ? only.size : fields.reduce((sum, f) => sum + padded(f.size), 0);
  return { fields, length, id: fields.reduce((id, f) => ((id << TYPE_BITS) | f.type.id) >>> 0, 0) };
}

/** `'ipv4_addr'`, `'ipv4_addr . inet_service'` or a list of names. */
export function dataKindNamed(input: unknown, property: string): DataKind {
  const names: readonly unknown[] = typeof input === 'string' ? input.split(/\s*\.\s*/) : Array.isArray(input) ? input : [];
  if (names.length === 0)
    throw new EncodeError(property, input === undefined ? 'is missing' : `a type or a list of types is needed, not ${show(input)}`);
  if (names.length > FIELDS_MAX) throw new EncodeError(property, `${names.length} types, a concatenation has at most ${FIELDS_MAX}`);
  const fields = names.map((name, i) => {
    const path = Array.isArray(input) ? `${property}[${i}]` : property;
    const type = typeof name === 'string' ? datatypeNamed(name.trim()) : undefined;
    if (type === undefined) throw new EncodeError(path, `unknown type ${show(name)}, one of ${datatypeNamesKnown.join(', ')}`);
    if (type.size === 0) throw new EncodeError(path, `a value of type ${type.name} has no size of its own; name a type that has one`);
    return { type, size: type.size, order: type.order };
  });
  const kind = dataKind(fields);
  if (kind.length > LENGTH_MAX) throw new EncodeError(property, `${kind.length} bytes, the kernel takes ${LENGTH_MAX}`);
  return kind;
}

export interface FieldHint {
  readonly size?: number;
  readonly order?: ByteOrder;
}

/** From the wire: type numbers and the length, with what userdata and NFTA_SET_DESC_CONCAT tell of each field. */
export function dataKindOf(id: number, length: number, hints: readonly FieldHint[] = []): DataKind {
  const types: Datatype[] = [];
  for (let rest = id; ; rest >>>= TYPE_BITS) {
    types.unshift(datatypeOf(rest & TYPE_MASK));
    if (rest >>> TYPE_BITS === 0) break;
  }
  if (types.length === 1) {
    const type = types[0] as Datatype;
    return { fields: [{ type, size: length, order: hints[0]?.order ?? type.order }], length, id };
  }
  const sizes = types.map((type, i) => hints[i]?.size ?? type.size);
  const known = sizes.reduce((sum, size) => sum + padded(size), 0);
  // One field whose size nobody tells has what the others leave.
  const open = sizes.filter((size) => size === 0).length;
  const left = open === 0 ? 0 : Math.max(0, Math.floor((length - known) / open));
  return {
    fields: types.map((type, i) => ({ type, size: sizes[i] === 0 ? left : (sizes[i] as number), order: hints[i]?.order ?? type.order })),
    length,
    id,
  };
}

/** Whether the fields fill the length: if not, values are shown and taken as bytes. */
export function fits(kind: DataKind): boolean {
  const all = kind.fields.length === 1 ? (kind.fields[0] as Field).size : kind.fields.reduce((sum, f) => sum + padded(f.size), 0);
  return all === kind.length && kind.fields.every((f) => f.size > 0);
}

export function typeWords(kind: DataKind): string | readonly string[] {
  const names = kind.fields.map((f) => f.type.name);
  return names.length === 1 ? (names[0] as string) : names;
}

/** Whether its bytes are turned around for the kernel. Interval keys are not: the kernel compares them as bytes. */
export function turned(field: Field, interval: boolean): boolean {
  return field.order === 'host' && field.type.text !== true && !interval;
}

/** Fields in network order as the kernel has them. */
export function pack(kind: DataKind, values: readonly Uint8Array[], interval: boolean): Uint8Array {
  const out = new Uint8Array(kind.length);
  let at = 0;
  for (const [i, field] of kind.fields.entries()) {
    const value = values[i] as Uint8Array;
    for (let b = 0; b < field.size; b++) out[at + b] = value[turned(field, interval) ? field.size - 1 - b : b] as number;
    at += kind.fields.length === 1 ? field.size : padded(field.size);
  }
  return out;
}

/** The fields of the kernel's bytes, in network order. */
export function unpack(kind: DataKind, bytes: Uint8Array, interval: boolean, start = 0): Uint8Array[] {
  let at = start;
  return kind.fields.map((field) => {
    const value = bytes.slice(at, at + field.size);
    at += kind.fields.length === 1 ? field.size : padded(field.size);
    return turned(field, interval) ? value.reverse() : value;
  });
}
