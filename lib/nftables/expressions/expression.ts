// One expression in a rule: an attribute NFTA_LIST_ELEM with NFTA_EXPR_NAME and NFTA_EXPR_DATA (enum nft_expr_attributes).
// The expression tables register here by the kernel's name.
import { align4, attributeLength, attributeType } from '../../wire/attributes.ts';
import { EncodeError } from '../../wire/errors.ts';
import { bytes as bytesKind, type Kind, list, reviveBytes, show, string } from '../../wire/kinds.ts';
import { AttributeTable, type Fields, type Shape } from '../../wire/table.ts';
import { decodeText } from '../../wire/text.ts';
import { NLA_F_NESTED, NLA_HDRLEN } from '../../wire/writer.ts';

const NFTA_EXPR_NAME = 1;
const NFTA_EXPR_DATA = 2;

/** An expression without a table, or one whose bytes did not fit it: kept and written back byte for byte. */
export type UnknownExpression = {
  readonly type: 'unknown';
  readonly name: string;
  /** Payload of NFTA_EXPR_DATA; absent where the expression has none. */
  readonly data?: Uint8Array;
  /** The whole element's payload, where it holds more than a name and data, or the two in another order. */
  readonly element?: Uint8Array;
  /** NFTA_EXPR_DATA's type field where it is flagged NLA_F_NESTED (the kernel's own dumps are not). */
  readonly nested?: true;
};

export type KnownExpression<N extends string, S extends Shape> = { readonly type: N } & Fields<S>;

/** One expression's table with the kernel's name for it. */
export interface ExpressionTable<N extends string, S extends Shape> {
  readonly name: N;
  readonly table: AttributeTable<KnownExpression<N, S>>;
}

export function expression<N extends string, S extends Shape>(name: N, shape: S): ExpressionTable<N, S> {
  return { name, table: new AttributeTable<KnownExpression<N, S>>(shape, ['type']) };
}

type Of<T> = T extends ExpressionTable<infer N, infer S> ? KnownExpression<N, S> : never;
/** The union of what a list of tables reads and writes, discriminated by `type`. */
export type KnownOf<T extends readonly unknown[]> = Of<T[number]>;

/** Any expression as the tables see it. */
export type AnyExpression = { readonly type: string } & Readonly<Record<string, unknown>>;
type AnyTable = AttributeTable<AnyExpression>;

const nameKind = string(31);
const rawKind = bytesKind();

/** The set of tables a reader and writer work with: all of them, or fewer in a test that hides some. */
export class ExpressionTables {
  readonly #byName = new Map<string, AnyTable>();
  readonly element: Kind<AnyExpression>;
  /** NFTA_RULE_EXPRESSIONS and its like. */
  readonly list: Kind<readonly AnyExpression[]>;

  constructor(tables: Iterable<{ readonly name: string; readonly table: object }>) {
    for (const t of tables) this.#byName.set(t.name, t.table as AnyTable);
    this.element = {
      put: (w, type, value) => this.#put(w, type, value),
      get: (buffer, start, end) => this.#get(buffer, start, end),
      path: (buffer, start, end, offset) => this.#path(buffer, start, end, offset),
      revive: (json) => this.#revive(json),
    };
    this.list = list(this.element);
  }

  has(name: string): boolean {
    return this.#byName.has(name);
  }
  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  #put(w: Parameters<Kind<AnyExpression>['put']>[0], type: number, value: AnyExpression): void {
    if (typeof value !== 'object' || value === null || typeof value.type !== 'string') {
      throw new EncodeError('', `an expression { type, … } is needed, not ${show(value)}`);
    }
    const at = w.begin(type | NLA_F_NESTED);
    if (value.type === 'unknown') putUnknown(w, value as unknown as UnknownExpression);
    else {
      const table = this.#byName.get(value.type);
      if (table === undefined)
        throw new EncodeError('type', `no expression is named ${show(value.type)}, known are ${this.names.join(', ')}`);
      w.string(NFTA_EXPR_NAME, value.type);
      const data = w.begin(NFTA_EXPR_DATA | NLA_F_NESTED);
      table.encode(w, value);
      // Without attributes, as notrack is: the kernel and libnftnl write no NFTA_EXPR_DATA at all.
      if (table.fieldless && w.length === data + NLA_HDRLEN) w.rewind(data);
      else w.end(data);
    }
    w.end(at);
  }

  #get(buffer: Uint8Array, start: number, end: number): AnyExpression {
    const parts = elementParts(buffer, start, end);
    if (parts === undefined) return { type: 'unknown', name: nameOf(buffer, start, end), element: buffer.slice(start, end) };
    const table = this.#byName.get(parts.name);
    const fieldless = table?.fieldless === true;
    if (parts.data === undefined) return fieldless ? { type: parts.name } : { type: 'unknown', name: parts.name };
    // An empty NFTA_EXPR_DATA that nflink would not write itself is kept raw.
    const known = fieldless && parts.data === parts.end ? undefined : table?.decode(buffer, parts.data, parts.end, { type: parts.name });
    if (known !== undefined) return known;
    const raw = { type: 'unknown', name: parts.name, data: buffer.slice(parts.data, parts.end) };
    return parts.nested ? { ...raw, nested: true } : raw;
  }

  #revive(json: unknown): AnyExpression {
    const e = json as AnyExpression;
    if (typeof json !== 'object' || json === null || typeof e.type !== 'string') return e;
    if (e.type !== 'unknown') return this.#byName.get(e.type)?.revive(e) ?? e;
    const { data, element, ...rest } = e;
    return {
      ...rest,
      ...(data === undefined ? {} : { data: reviveBytes(data) }),
      ...(element === undefined ? {} : { element: reviveBytes(element) }),
    };
  }

  #path(buffer: Uint8Array, start: number, end: number, offset: number): string {
    const parts = elementParts(buffer, start, end);
    if (parts?.data === undefined || offset < parts.data) return 'type';
    return this.#byName.get(parts.name)?.path(buffer, parts.data, parts.end, offset) ?? '';
  }
}

function putUnknown(w: Parameters<Kind<AnyExpression>['put']>[0], value: UnknownExpression): void {
  if (value.element !== undefined) {
    if (!(value.element instanceof Uint8Array)) throw new EncodeError('element', `bytes are needed, not ${show(value.element)}`);
    return w.append(value.element);
  }
  try {
    nameKind.put(w, NFTA_EXPR_NAME, value.name);
  } catch (err) {
    throw err instanceof EncodeError ? err.within('name') : err;
  }
  if (value.data !== undefined) rawKind.put(w, value.nested ? NFTA_EXPR_DATA | NLA_F_NESTED : NFTA_EXPR_DATA, value.data);
}

interface Parts {
  readonly name: string;
  readonly data: number | undefined;
  readonly end: number;
  readonly nested: boolean;
}

/** Name and data when the element is exactly a name followed by data (or by nothing). */
function elementParts(buffer: Uint8Array, start: number, end: number): Parts | undefined {
  if (start >= end) return undefined;
  const nameLength = attributeLength(buffer, start, end);
  if (attributeType(buffer, start) !== NFTA_EXPR_NAME) return undefined;
  const name = nameKind.get(buffer, start + 4, start + nameLength);
  if (name === undefined) return undefined;
  const at = start + align4(nameLength);
  if (at >= end) return { name, data: undefined, end, nested: false };
  const length = attributeLength(buffer, at, end);
  if (attributeType(buffer, at) !== NFTA_EXPR_DATA || at + align4(length) < end) return undefined;
  return { name, data: at + 4, end: at + length, nested: ((buffer[at + 3] as number) & 0x80) !== 0 };
}

function nameOf(buffer: Uint8Array, start: number, end: number): string {
  for (let at = start; at < end; at += align4(attributeLength(buffer, at, end))) {
    if (attributeType(buffer, at) === NFTA_EXPR_NAME) {
      const stop = at + attributeLength(buffer, at, end);
      return decodeText(buffer, at + 4, buffer[stop - 1] === 0 ? stop - 1 : stop);
    }
  }
  return '';
}
