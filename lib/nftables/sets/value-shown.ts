// Keys and data as libnftables-json shows them.
import { type DataKind, type Field, fits, unpack } from './field.ts';
import { compareBytes, type Interval, prefixLength } from './intervals.ts';

/** One value, a prefix or a range, and of a concatenation a list of these. */
export function shownKey(kind: DataKind, { low, high }: Interval, interval: boolean): unknown {
  // Sizes that nobody tells, or bytes of another length: as they are.
  if (!fits(kind) || low.length !== kind.length) return low.slice();
  const [lows, highs] = [unpack(kind, low, interval), unpack(kind, high, interval)];
  const parts = kind.fields.map((field, i) => shownRange(field, { low: lows[i] as Uint8Array, high: highs[i] as Uint8Array }));
  return kind.fields.length === 1 ? parts[0] : { concat: parts };
}

function shownRange(field: Field, range: Interval): unknown {
  const { low, high } = range;
  if (compareBytes(low, high) === 0) return shownText(field, low);
  const bits = prefixLength(range);
  if (field.type.text === true) {
    const name = wildcard(low, high);
    if (name !== undefined) return `${field.type.format(name)}*`;
  }
  if (bits !== undefined && field.type.prefix === true) return { prefix: { addr: field.type.format(low), len: bits } };
  return { range: [field.type.format(low), field.type.format(high)] };
}

/** A name that ends with a star of its own is told from `eth*`. */
function shownText(field: Field, value: Uint8Array): unknown {
  const shown = field.type.format(value);
  return field.type.name === 'ifname' && typeof shown === 'string' && shown.endsWith('*') ? `${shown.slice(0, -1)}\\*` : shown;
}

/** The letters before the star of a range of names: NULs up to the end in the first, 0xff in the last. */
function wildcard(low: Uint8Array, high: Uint8Array): Uint8Array | undefined {
  const at = low.indexOf(0);
  if (at < 0 || low.some((b, i) => i >= at && b !== 0) || high.some((b, i) => (i < at ? b !== low[i] : b !== 0xff))) return undefined;
  return low;
}

export function shownData(kind: DataKind, bytes: Uint8Array, interval: boolean): unknown {
  if (!interval) return shownKey(kind, { low: bytes, high: bytes }, false);
  return shownKey(kind, { low: bytes.slice(0, kind.length), high: bytes.slice(kind.length) }, false);
}
