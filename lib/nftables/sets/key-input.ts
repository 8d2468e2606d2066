// Keys and data values as users write them: text, numbers, 'a/len', 'a-b', { prefix }, { range }, { concat }, bytes.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { type DataKind, type Field, pack, turned } from './field.ts';
import { compareBytes, type Interval, prefixRange } from './intervals.ts';

type Input = Readonly<Record<string, unknown>>;

/** What a value may be: `interval` admits ranges and prefixes. */
export interface KeyRules {
  readonly interval: boolean;
  /** What to add to the set's declaration for a range; for messages. */
  readonly needs: string;
}

/** The lowest and highest key of a value, as the kernel has them; the same bytes where it is a single one. */
export function keyInterval(kind: DataKind, input: unknown, rules: KeyRules): Interval {
  if (input instanceof Uint8Array && input.length === kind.length) return { low: input, high: input };
  const simple = simpleKey(kind, input, rules.interval);
  if (simple !== undefined) return { low: simple, high: simple };
  const parts = fieldsOf(kind, input).map((value, i) => {
    const range = fieldRange(kind.fields[i] as Field, value, rules.interval);
    if (!rules.interval && compareBytes(range.low, range.high) !== 0) {
      throw new EncodeError(kind.fields.length === 1 ? '' : `concat[${i}]`, `${show(value)} is a range: ${rules.needs}`);
    }
    return range;
  });
  const low = pack(
    kind,
    parts.map((p) => p.low),
    rules.interval,
  );
  const same = parts.every((p) => compareBytes(p.low, p.high) === 0);
  return {
    low,
    high: same
      ? low
      : pack(
          kind,
          parts.map((p) => p.high),
          rules.interval,
        ),
  };
}

/** One value of one field, the most common key by far; undefined for any other, wrong ones too. */
function simpleKey(kind: DataKind, input: unknown, interval: boolean): Uint8Array | undefined {
  const [field] = kind.fields;
  if (field === undefined || kind.fields.length !== 1 || (typeof input !== 'string' && typeof input !== 'number')) return undefined;
  if (field.type.text === true) return undefined;
  const value = field.type.parse(input, field.size);
  return value !== undefined && turned(field, interval) ? value.reverse() : value;
}

/** The values of a concatenation, or the one value. */
function fieldsOf(kind: DataKind, input: unknown): readonly unknown[] {
  const list = concatenation(input);
  if (kind.fields.length === 1) return list?.length === 1 ? list : [input];
  const names = kind.fields.map((f) => f.type.name).join(' . ');
  if (list === undefined) throw new EncodeError('', `a concatenation of ${names} is needed, not ${show(input)}`);
  if (list.length !== kind.fields.length) throw new EncodeError('', `${list.length} values, a concatenation of ${names} is needed`);
  return list;
}

function concatenation(input: unknown): readonly unknown[] | undefined {
  if (typeof input === 'string') return input.includes(' . ') ? input.split(' . ').map((part) => part.trim()) : undefined;
  const list = typeof input === 'object' && input !== null ? (input as Input)['concat'] : undefined;
  return Array.isArray(list) ? list : undefined;
}

/** Both ends of one field in network order. */
function fieldRange(field: Field, input: unknown, interval: boolean): Interval {
  const whole = single(field, input, interval);
  if (whole !== undefined) return whole;
  const range = prefixOf(field, input) ?? rangeOf(field, input);
  if (range !== undefined) return range;
  throw new EncodeError('', `${show(input)} is no ${field.type.name}${wordsFor(field, input)}`);
}

function wordsFor(field: Field, input: unknown): string {
  if (typeof input !== 'string') return '';
  if (field.type.name === 'iface_index') return '; interface names are not looked up, give the index';
  if (field.type.name === 'uid' || field.type.name === 'gid') return '; names of users and groups are not looked up, give the number';
  if (field.type.name === 'inet_service') return '; names of services are not looked up, give the number';
  return '';
}

function single(field: Field, input: unknown, interval: boolean): Interval | undefined {
  if (input instanceof Uint8Array && input.length === field.size) return { low: input, high: input };
  if (field.type.name === 'ifname' && typeof input === 'string') return interfaceName(field, input, interval);
  const value = field.type.parse(input, field.size);
  return value && { low: value, high: value };
}

/** `eth*` in an interval set is every name that begins so; `eth\*` is the star itself. */
function interfaceName(field: Field, input: string, interval: boolean): Interval | undefined {
  const star = input.endsWith('*') && !input.endsWith('\\*');
  const low = field.type.parse(star ? input.slice(0, -1) : input.replace(/\\\*$/, '*'), field.size);
  if (low === undefined || !star) return low && { low, high: low };
  if (!interval)
    throw new EncodeError('', `${show(input)} stands for many names: the set needs the flag interval, or write '\\*' for the star itself`);
  const high = low.slice().fill(0xff, low.indexOf(0));
  return { low, high };
}

function prefixOf(field: Field, input: unknown): Interval | undefined {
  let addr: unknown;
  let len: unknown;
  if (typeof input === 'string') {
    const slash = input.lastIndexOf('/');
    if (slash < 0) return undefined;
    addr = input.slice(0, slash);
    const digits = input.slice(slash + 1);
    if (!/^\d{1,3}$/.test(digits)) return undefined;
    len = Number(digits);
  } else {
    const prefix = typeof input === 'object' && input !== null ? (input as Input)['prefix'] : undefined;
    if (typeof prefix !== 'object' || prefix === null) return undefined;
    ({ addr, len } = prefix as Input);
  }
  const address = field.type.text
    ? undefined
    : addr instanceof Uint8Array && addr.length === field.size
      ? addr
      : field.type.parse(addr, field.size);
  if (address === undefined) return undefined;
  if (typeof len !== 'number' || !Number.isInteger(len) || len < 0 || len > field.size * 8) {
    throw new EncodeError('', `a prefix length from 0 to ${field.size * 8} is needed, not ${show(len)}`);
  }
  return prefixRange(address, len);
}

function rangeOf(field: Field, input: unknown): Interval | undefined {
  const ends = typeof input === 'object' && input !== null ? (input as Input)['range'] : undefined;
  if (Array.isArray(ends) && ends.length === 2) {
    const [low, high] = ends.map((end: unknown) => single(field, end, false)?.low);
    return low === undefined || high === undefined ? undefined : ordered(low, high, input);
  }
  if (typeof input !== 'string') return undefined;
  // Words hold hyphens too: the first place where both halves are values.
  for (let at = input.indexOf('-'); at > 0; at = input.indexOf('-', at + 1)) {
    const low = field.type.parse(input.slice(0, at).trim(), field.size);
    const high = field.type.parse(input.slice(at + 1).trim(), field.size);
    if (low !== undefined && high !== undefined) return ordered(low, high, input);
  }
  return undefined;
}

function ordered(low: Uint8Array, high: Uint8Array, input: unknown): Interval {
  if (compareBytes(low, high) > 0) throw new EncodeError('', `${show(input)}: the end comes before the start`);
  return { low, high };
}

/** A map's data: one value, or with `interval` its first and last. */
export function dataBytes(kind: DataKind, input: unknown, interval: boolean): Uint8Array {
  if (input instanceof Uint8Array && input.length === kind.length * (interval ? 2 : 1)) return input;
  const parts = fieldsOf(kind, input).map((value, i) => {
    const range = fieldRange(kind.fields[i] as Field, value, interval);
    if (!interval && compareBytes(range.low, range.high) !== 0) {
      throw new EncodeError(
        kind.fields.length === 1 ? '' : `concat[${i}]`,
        `${show(value)} is a range: declare the map's data with 'interval'`,
      );
    }
    return range;
  });
  // Data keeps the host's order in ranges too: nothing compares it.
  const low = pack(
    kind,
    parts.map((p) => p.low),
    false,
  );
  if (!interval) return low;
  const out = new Uint8Array(kind.length * 2);
  out.set(low);
  out.set(
    pack(
      kind,
      parts.map((p) => p.high),
      false,
    ),
    kind.length,
  );
  return out;
}
