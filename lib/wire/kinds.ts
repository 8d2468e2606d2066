// The kinds of attribute payload: how a value of each is checked, written and read. The byte order is in the name:
// be… is network order, host… the machine's own. `get` returns undefined for a payload that is not of its shape; the
// table then keeps the attribute as its original bytes.
import {
  align4,
  attributeLength,
  attributeType,
  be16 as readBe16,
  be32 as readBe32,
  be64 as readBe64,
  host32 as readHost32,
} from './attributes.ts';
import { EncodeError } from './errors.ts';
import { decodeText } from './text.ts';
import type { AttributeWriter } from './writer.ts';

/** Methods, not function properties: TypeScript then lets a Kind<string> stand where Kind<unknown> is asked for. */
export interface Kind<T> {
  put(w: AttributeWriter, type: number, value: T): void;
  get(bytes: Uint8Array, start: number, end: number): T | undefined;
  /** Names what lies at `offset` inside the payload, for the kernel's NLMSGERR_ATTR_OFFS. */
  path?(bytes: Uint8Array, start: number, end: number, offset: number): string;
  /** The value from what model/json.ts made of it; absent where JSON keeps it as it is. Still unchecked: `put` checks. */
  revive?(json: unknown): T;
}

/** Bytes from base64; anything else is left for `put` to refuse. */
export function reviveBytes(json: unknown): Uint8Array {
  return typeof json === 'string' ? new Uint8Array(Buffer.from(json, 'base64')) : (json as Uint8Array);
}

/** A bigint from a safe number or decimal text; anything else is left for `put` to refuse. */
export function reviveBigint(json: unknown): bigint {
  const integer = (typeof json === 'number' && Number.isSafeInteger(json)) || (typeof json === 'string' && /^\d+$/.test(json));
  return integer ? BigInt(json as number | string) : (json as bigint);
}

function integer(value: unknown, max: number, min = 0): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new EncodeError('', `an integer is needed, not ${show(value)}`);
  if (value < min || value > max) throw new EncodeError('', `${value} is outside ${min}..${max}`);
  return value;
}

export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export const u8: Kind<number> = {
  put: (w, type, value) => w.u8(type, integer(value, 0xff)),
  get: (bytes, start, end) => (end - start === 1 ? bytes[start] : undefined),
};
export const be16: Kind<number> = {
  put: (w, type, value) => w.be16(type, integer(value, 0xffff)),
  get: (bytes, start, end) => (end - start === 2 ? readBe16(bytes, start) : undefined),
};
export const be32: Kind<number> = {
  put: (w, type, value) => w.be32(type, integer(value, 0xffffffff)),
  get: (bytes, start, end) => (end - start === 4 ? readBe32(bytes, start) : undefined),
};
/** Signed, as hook priorities are. */
export const beInt32: Kind<number> = {
  put: (w, type, value) => w.be32(type, integer(value, 0x7fffffff, -0x80000000) >>> 0),
  get: (bytes, start, end) => (end - start === 4 ? readBe32(bytes, start) | 0 : undefined),
};
export const host32: Kind<number> = {
  put: (w, type, value) => w.host32(type, integer(value, 0xffffffff)),
  get: (bytes, start, end) => (end - start === 4 ? readHost32(bytes, start) : undefined),
};
export const be64: Kind<bigint> = {
  put: (w, type, value) => {
    if (typeof value !== 'bigint') throw new EncodeError('', `a bigint is needed, not ${show(value)}`);
    if (value < 0n || value > 0xffffffffffffffffn) throw new EncodeError('', `${value} is outside 0..2^64-1`);
    w.be64(type, value);
  },
  get: (bytes, start, end) => (end - start === 8 ? readBe64(bytes, start) : undefined),
  revive: reviveBigint,
};

/** NUL-terminated text of at most `max` bytes without the NUL. */
export function string(max = 0xfff0): Kind<string> {
  return {
    put: (w, type, value) => {
      if (typeof value !== 'string') throw new EncodeError('', `a string is needed, not ${show(value)}`);
      const before = w.length;
      w.string(type, value);
      const size = w.view.getUint16(before, true) - 5;
      if (size > max) throw new EncodeError('', `${show(value)} has ${size} bytes, ${max} are allowed`);
    },
    get: (bytes, start, end) => {
      // The NUL ends the payload and stands nowhere else; anything other is kept raw.
      if (end === start || bytes[end - 1] !== 0) return undefined;
      for (let i = start; i < end - 1; i++) if (bytes[i] === 0) return undefined;
      return decodeText(bytes, start, end - 1);
    },
  };
}

/** A copy of the payload: it outlives the buffer it came from. */
export function bytes(max = 0xfff0, min = 0): Kind<Uint8Array> {
  return {
    put: (w, type, value) => {
      if (!(value instanceof Uint8Array)) throw new EncodeError('', `bytes are needed, not ${show(value)}`);
      if (value.length < min || value.length > max) throw new EncodeError('', `${value.length} bytes, ${min}..${max} are allowed`);
      w.raw(type, value);
    },
    get: (buffer, start, end) => (end - start >= min && end - start <= max ? buffer.slice(start, end) : undefined),
    revive: reviveBytes,
  };
}

/** A word for a number. Numbers without a word stay numbers, both ways. */
export function words<W extends string>(kind: Kind<number>, table: Readonly<Record<W, number>>): Kind<W | number> {
  const byNumber = new Map<number, W>();
  for (const [word, number] of Object.entries(table) as [W, number][]) if (!byNumber.has(number)) byNumber.set(number, word);
  return {
    put: (w, type, value) => {
      if (typeof value === 'string') {
        if (!Object.hasOwn(table, value)) throw new EncodeError('', `unknown word ${show(value)}, one of ${Object.keys(table).join(', ')}`);
        kind.put(w, type, table[value]);
      } else kind.put(w, type, value);
    },
    get: (buffer, start, end) => {
      const number = kind.get(buffer, start, end);
      return number === undefined ? undefined : (byNumber.get(number) ?? number);
    },
  };
}

/** Bits as a list of words; bits without a word are one number at the end of the list. */
export function flags<W extends string>(kind: Kind<number>, table: Readonly<Record<W, number>>): Kind<readonly (W | number)[]> {
  const entries = Object.entries(table) as [W, number][];
  return {
    put: (w, type, value) => {
      if (!Array.isArray(value)) throw new EncodeError('', `a list of flags is needed, not ${show(value)}`);
      let bits = 0;
      for (const flag of value as readonly (W | number)[]) {
        if (typeof flag === 'string' && !Object.hasOwn(table, flag))
          throw new EncodeError('', `unknown flag ${show(flag)}, of ${Object.keys(table).join(', ')}`);
        bits |= typeof flag === 'string' ? table[flag] : integer(flag, 0xffffffff);
      }
      kind.put(w, type, bits >>> 0);
    },
    get: (buffer, start, end) => {
      const number = kind.get(buffer, start, end);
      if (number === undefined) return undefined;
      let rest = number;
      const list: (W | number)[] = [];
      for (const [word, bit] of entries) {
        if ((number & bit) === 0) continue;
        list.push(word);
        rest &= ~bit;
      }
      if (rest !== 0) list.push(rest >>> 0);
      return list;
    },
  };
}

/** Elements of one kind, each in an attribute `element` (NFTA_LIST_ELEM is 1). Anything else in the list leaves it raw. */
export function list<T>(kind: Kind<T>, element = 1): Kind<readonly T[]> {
  return {
    put: (w, type, value) => {
      if (!Array.isArray(value)) throw new EncodeError('', `a list is needed, not ${show(value)}`);
      const at = w.begin(type | 0x8000);
      for (let i = 0; i < value.length; i++) {
        try {
          kind.put(w, element, value[i] as T);
        } catch (err) {
          throw err instanceof EncodeError ? err.within(`[${i}]`) : err;
        }
      }
      w.end(at);
    },
    get: (buffer, start, end) => {
      const out: T[] = [];
      for (let at = start; at < end; ) {
        const length = attributeLength(buffer, at, end);
        const value = attributeType(buffer, at) === element ? kind.get(buffer, at + 4, at + length) : undefined;
        if (value === undefined) return undefined;
        out.push(value);
        at += align4(length);
      }
      return out;
    },
    revive: (json) => (Array.isArray(json) && kind.revive !== undefined ? json.map((v) => kind.revive?.(v) as T) : (json as readonly T[])),
    path: (buffer, start, end, offset) => {
      for (let at = start, i = 0; at < end; i++) {
        const length = attributeLength(buffer, at, end);
        if (offset < at + align4(length)) {
          const inner = offset < at + 4 ? '' : (kind.path?.(buffer, at + 4, at + length, offset) ?? '');
          return inner === '' || inner.startsWith('[') ? `[${i}]${inner}` : `[${i}].${inner}`;
        }
        at += align4(length);
      }
      return '';
    },
  };
}
