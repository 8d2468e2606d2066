// A table in which one attribute says what another one holds: an object's type and data, a protocol and its timeouts.
import { findAttribute } from '../../wire/attributes.ts';
import { EncodeError, joinPath } from '../../wire/errors.ts';
import { bytes, type Kind, reviveBytes, show } from '../../wire/kinds.ts';
import { AttributeTable, type Shape } from '../../wire/table.ts';
import { AttributeWriter, NLA_F_NESTED } from '../../wire/writer.ts';

const rawBytes = bytes();

/** What is nested, still as bytes. */
const nestedBytes: Kind<object> = {
  put: (w, type, value) => rawBytes.put(w, type | NLA_F_NESTED, value as Uint8Array),
  get: rawBytes.get,
};
/** The attribute that depends on another, for the shape of a DependentTable. Bytes where its table is not known. */
export function dependent(id: number): { readonly id: number; readonly kind: Kind<object>; readonly required: false } {
  return { id, kind: nestedBytes, required: false };
}

export class DependentTable<T extends object> extends AttributeTable<T> {
  readonly #by: string;
  readonly #data: string;
  readonly #dataId: number;
  readonly #tables: ReadonlyMap<unknown, AttributeTable<object>>;

  /** `data` holds what the table of `tables` for the value of `by` reads. */
  constructor(shape: Shape, by: string, data: string, tables: Readonly<Record<string, AttributeTable<object>>>) {
    super(shape);
    this.#by = by;
    this.#data = data;
    this.#dataId = shape[data]?.id ?? 0;
    this.#tables = new Map(Object.entries(tables));
  }

  override encode(w: AttributeWriter, value: T): void {
    const data = this.#of(value);
    if (data === undefined || data instanceof Uint8Array) return super.encode(w, value);
    const table = this.#table(value);
    if (table === undefined || typeof data !== 'object' || data === null) {
      throw new EncodeError(this.#data, `${table === undefined ? 'bytes are' : 'an object is'} needed, not ${show(data)}`);
    }
    const inner = new AttributeWriter(64);
    try {
      table.encode(inner, data);
    } catch (err) {
      throw err instanceof EncodeError ? err.within(this.#data) : err;
    }
    super.encode(w, { ...value, [this.#data]: inner.written() });
  }

  override decode(buffer: Uint8Array, start: number, end: number, seed: Record<string, unknown> = {}): T | undefined {
    const value = super.decode(buffer, start, end, seed);
    if (value === undefined) return undefined;
    const data = this.#of(value);
    const decoded = data instanceof Uint8Array ? this.#table(value)?.decode(data, 0, data.length) : undefined;
    return decoded === undefined ? value : { ...value, [this.#data]: decoded };
  }

  override revive(json: unknown): T {
    const value = super.revive(json);
    const data = typeof value === 'object' && value !== null ? this.#of(value) : undefined;
    if (data === undefined) return value;
    const table = this.#table(value);
    return { ...value, [this.#data]: table === undefined || typeof data === 'string' ? reviveBytes(data) : table.revive(data) };
  }

  override path(buffer: Uint8Array, start: number, end: number, offset: number): string {
    const path = super.path(buffer, start, end, offset);
    const found = path === this.#data ? findAttribute(buffer, start, end, this.#dataId) : undefined;
    const value = found === undefined ? undefined : super.decode(buffer, start, end);
    if (found === undefined || value === undefined) return path;
    return joinPath(path, this.#table(value)?.path(buffer, found[0], found[1], offset) ?? '');
  }

  #of(value: T): unknown {
    return (value as Readonly<Record<string, unknown>>)[this.#data];
  }
  #table(value: T): AttributeTable<object> | undefined {
    return this.#tables.get((value as Readonly<Record<string, unknown>>)[this.#by]);
  }
}
