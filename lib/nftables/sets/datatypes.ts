// nft's data types: the number that stands in a set's key type, its size and byte order, and how one value is read from
// text or a number and shown again (nft(8) DATA TYPES; nft's datatype.c). In between a value is bytes in network order:
// `field.ts` turns host-order ones around where the kernel wants them.
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../wire/address.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import * as words from './words-of-types.ts';

/** `none`: nft calls these neither big nor host endian; they are one byte wide, so nothing follows but the userdata. */
export type ByteOrder = 'none' | 'host' | 'big';

export interface Datatype {
  readonly name: string;
  /** TYPE_* of nft's datatype.h. */
  readonly id: number;
  /** Bytes; 0 where the size comes with the set. */
  readonly size: number;
  readonly order: ByteOrder;
  /** Text: bytes in the order they are read, whatever the byte order says. */
  readonly text?: true;
  /** Ranges of it that are a prefix are shown as one. */
  readonly prefix?: true;
  /** The bytes in network order, or undefined for a value that is none of this type. */
  parse(value: unknown, size: number): Uint8Array | undefined;
  format(bytes: Uint8Array): unknown;
}

export function toNumber(bytes: Uint8Array): bigint {
  let n = 0n;
  for (const byte of bytes) n = (n << 8n) | BigInt(byte);
  return n;
}

/** `n` in `size` bytes, network order; undefined where it doesn't fit. */
export function toBytes(n: bigint, size: number): Uint8Array | undefined {
  if (n < 0n || n >> BigInt(size * 8) !== 0n) return undefined;
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = n; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

function small(n: number, size: number): Uint8Array | undefined {
  if (!Number.isSafeInteger(n) || n < 0) return undefined;
  if (size > 4) return toBytes(BigInt(n), size);
  if (n >= 2 ** (8 * size)) return undefined;
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = n; i >= 0; i--, rest = Math.floor(rest / 256)) bytes[i] = rest & 0xff;
  return bytes;
}

function integer(value: unknown, size: number): Uint8Array | undefined {
  if (typeof value === 'number') return small(value, size);
  if (typeof value === 'bigint') return toBytes(value, size);
  return typeof value === 'string' && /^(0x[0-9a-f]+|\d+)$/i.test(value) ? toBytes(BigInt(value), size) : undefined;
}

/** A number where it is safe, a bigint where it isn't. */
function shown(bytes: Uint8Array): number | bigint {
  if (bytes.length <= 4) {
    let n = 0;
    for (const byte of bytes) n = n * 256 + byte;
    return n;
  }
  const n = toNumber(bytes);
  return n <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(n) : n;
}

type Codec = Pick<Datatype, 'parse' | 'format'>;

const integers: Codec = { parse: integer, format: shown };

function symbols(table: words.Symbols, max = Number.POSITIVE_INFINITY, unnamed: (n: number | bigint) => unknown = (n) => n): Codec {
  const numbers = new Map(table);
  const names = new Map<number, string>();
  for (const [word, n] of table) if (!names.has(n)) names.set(n, word);
  return {
    parse: (value, size) => {
      const n = typeof value === 'string' ? numbers.get(value) : undefined;
      const bytes = integer(n ?? value, size);
      return bytes !== undefined && max < 256 && (bytes.at(-1) as number) > max ? undefined : bytes;
    },
    format: (bytes) => {
      const n = shown(bytes);
      return names.get(Number(n)) ?? unnamed(n);
    },
  };
}

/** Bits: a word, a number, words joined by `|` or `,`, a list, or libnftables-json's { '|': [a, b] }. */
function bits(table: words.Symbols): Codec {
  const numbers = new Map(table);
  const parse = (value: unknown, size: number): Uint8Array | undefined => {
    const parts = partsOf(value);
    if (parts === undefined) {
      const n = typeof value === 'string' ? numbers.get(value.trim()) : undefined;
      return integer(n ?? (typeof value === 'string' ? value.trim() : value), size);
    }
    const out = new Uint8Array(size);
    for (const part of parts) {
      const one = parse(part, size);
      if (one === undefined) return undefined;
      for (let i = 0; i < size; i++) (out[i] as number) |= one[i] as number;
    }
    return out;
  };
  return {
    parse,
    format: (bytes) => {
      const n = Number(toNumber(bytes));
      const set = table.filter(([, bit]) => (n & bit) === bit).toSorted((a, b) => a[1] - b[1]);
      const named = set.reduce((all, [, bit]) => all | bit, 0);
      if (n === 0 || named !== n || !Number.isSafeInteger(n)) return shown(bytes);
      return set.map(([word]): unknown => word).reduce((a, b) => ({ '|': [a, b] }));
    },
  };
}

function partsOf(value: unknown): readonly unknown[] | undefined {
  if (typeof value === 'string') return /[|,]/.test(value) ? value.split(/[|,]/) : undefined;
  if (Array.isArray(value)) return value;
  const inner = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)['|'] : undefined;
  return Array.isArray(inner) ? inner : undefined;
}

const string: Codec = {
  parse: (value, size) => {
    if (typeof value !== 'string') return undefined;
    const bytes = encodeText(value);
    if (bytes.length === 0 || bytes.length >= size || bytes.includes(0)) return undefined;
    const out = new Uint8Array(size);
    out.set(bytes);
    return out;
  },
  format: (bytes) => {
    const end = bytes.indexOf(0);
    return decodeText(bytes, 0, end < 0 ? bytes.length : end);
  },
};

const ether: Codec = {
  parse: (value) =>
    typeof value === 'string' && /^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(value)
      ? Uint8Array.from(value.split(':'), (part) => Number.parseInt(part, 16))
      : undefined,
  format: (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join(':'),
};

const SECOND = { d: 86_400_000n, h: 3_600_000n, m: 60_000n, s: 1000n, ms: 1n } as const;

/** `1d2h3m4s5ms`, or a number of seconds, as milliseconds. */
export function durationMs(value: unknown): bigint | undefined {
  if (typeof value === 'number')
    return Number.isFinite(value) && value >= 0 && value < 2 ** 43 ? BigInt(Math.round(value * 1000)) : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^\d+$/.test(value)) return BigInt(value) * 1000n;
  if (!/^(?=\d)(\d+d)?(\d+h)?(\d+m(?!s))?(\d+s)?(\d+ms)?$/.test(value)) return undefined;
  let total = 0n;
  for (const [, n, unit] of value.matchAll(/(\d+)(ms|[dhms])/g)) total += BigInt(n as string) * SECOND[unit as keyof typeof SECOND];
  return total;
}

/** Conntrack's times: milliseconds in the kernel, seconds in libnftables-json. */
const relativeTime: Codec = {
  parse: (value, size) => {
    const ms = durationMs(value);
    return ms === undefined ? undefined : toBytes(ms, size);
  },
  format: (bytes) => Number(toNumber(bytes)) / 1000,
};

const DAY_SECONDS = 86_400;
/** Seconds that local time is ahead of UTC now: the kernel keeps `meta hour` in UTC, nft shows it in local time. */
const localOffset = (): number => -new Date().getTimezoneOffset() * 60;
const two = (n: number): string => String(n).padStart(2, '0');

const hour: Codec = {
  parse: (value, size) => {
    const parts = typeof value === 'string' ? /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(value) : null;
    if (parts === null) return integer(value, size);
    const [h, m, s] = [parts[1], parts[2], parts[3]].map((part) => Number(part ?? 0)) as [number, number, number];
    if (h > 23 || m > 59 || s > 59) return undefined;
    return small((h * 3600 + m * 60 + s - localOffset() + 2 * DAY_SECONDS) % DAY_SECONDS, size);
  },
  format: (bytes) => {
    const utc = Number(toNumber(bytes));
    if (utc >= DAY_SECONDS) return utc;
    const local = (utc + localOffset() + 2 * DAY_SECONDS) % DAY_SECONDS;
    const seconds = local % 60;
    return `${two(Math.floor(local / 3600))}:${two(Math.floor(local / 60) % 60)}${seconds === 0 ? '' : `:${two(seconds)}`}`;
  },
};

const NS = 1_000_000_000n;
/** `meta time`: nanoseconds since 1970 in the kernel, local time in text. A number is seconds since 1970. */
const absoluteTime: Codec = {
  parse: (value, size) => {
    if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?$/.test(value)) {
      const ms = new Date(value.length === 10 ? `${value}T00:00:00` : value.replace(' ', 'T')).getTime();
      return Number.isNaN(ms) ? undefined : toBytes((BigInt(ms) * NS) / 1000n, size);
    }
    const seconds = integer(value, size);
    return seconds && toBytes(toNumber(seconds) * NS, size);
  },
  format: (bytes) => {
    const n = toNumber(bytes);
    const at = new Date(Number(n / 1_000_000n));
    if (n % NS !== 0n || Number.isNaN(at.getTime()) || at.getFullYear() > 9999) return shown(bytes);
    const date = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
    return `${date} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  },
};

/** tc's handles: `major:minor` in hexadecimal, root and none. */
const classid: Codec = {
  parse: (value, size) => {
    if (value === 'root') return toBytes(0xffffffffn, size);
    if (value === 'none') return toBytes(0n, size);
    const parts = typeof value === 'string' ? /^([0-9a-f]{0,4}):([0-9a-f]{0,4})$/i.exec(value) : null;
    if (parts === null) return integer(value, size);
    return small(Number.parseInt(parts[1] || '0', 16) * 65536 + Number.parseInt(parts[2] || '0', 16), size);
  },
  format: (bytes) => {
    const n = Number(toNumber(bytes));
    if (n === 0xffffffff) return 'root';
    if (n === 0) return 'none';
    const [major, minor] = [Math.floor(n / 65536).toString(16), (n % 65536).toString(16)];
    return major === '0' ? `:${minor}` : minor === '0' ? `${major}:` : `${major}:${minor}`;
  },
};

/** nft says missing and exists; its JSON has false and true. */
const boolean: Codec = {
  parse: (value, size) => {
    const n = value === true || value === 'exists' ? 1 : value === false || value === 'missing' ? 0 : value;
    const bytes = integer(n, size);
    return bytes !== undefined && toNumber(bytes) <= 1n ? bytes : undefined;
  },
  format: (bytes) => (toNumber(bytes) <= 1n ? toNumber(bytes) === 1n : shown(bytes)),
};

const ipv4: Codec = { parse: (value) => (typeof value === 'string' ? parseIpv4(value) : undefined), format: (bytes) => formatIpv4(bytes) };
const ipv6: Codec = { parse: (value) => (typeof value === 'string' ? parseIpv6(value) : undefined), format: (bytes) => formatIpv6(bytes) };

/** A label is a bit's number; their names stand in /etc/xtables/connlabel.conf and aren't looked up. */
const ctLabel: Codec = {
  parse: (value, size) => {
    const n = typeof value === 'number' ? value : typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : -1;
    return Number.isInteger(n) && n >= 0 && n < size * 8 ? toBytes(1n << BigInt(n), size) : undefined;
  },
  format: (bytes) => {
    const n = toNumber(bytes);
    const bit = n.toString(2).length - 1;
    return n !== 0n && n === 1n << BigInt(bit) ? bit : shown(bytes);
  },
};

const asText = (n: number | bigint): string => String(n);

type Row = readonly [name: string, id: number, size: number, order: ByteOrder, codec: Codec, more?: 'text' | 'prefix'];
// biome-ignore format: a table
const rows: readonly Row[] = [
  ['nf_proto', 2, 1, 'none', symbols(words.nfProto)],
  ['bitmask', 3, 0, 'host', integers],
  ['integer', 4, 0, 'host', integers],
  ['string', 5, 0, 'host', string, 'text'],
  ['ll_addr', 6, 0, 'big', integers],
  ['ipv4_addr', 7, 4, 'big', ipv4, 'prefix'],
  ['ipv6_addr', 8, 16, 'big', ipv6, 'prefix'],
  ['ether_addr', 9, 6, 'big', ether],
  ['ether_type', 10, 2, 'big', symbols(words.etherType)],
  ['arp_op', 11, 2, 'big', symbols(words.arpOp)],
  ['inet_proto', 12, 1, 'none', symbols(words.inetProto)],
  ['inet_service', 13, 2, 'big', integers],
  ['icmp_type', 14, 1, 'big', symbols(words.icmpType)],
  ['tcp_flag', 15, 1, 'big', bits(words.tcpFlag)],
  ['dccp_pkttype', 16, 1, 'none', symbols(words.dccpPkttype, 15)],
  ['mh_type', 17, 1, 'big', symbols(words.mhType)],
  ['time', 18, 4, 'host', relativeTime],
  ['mark', 19, 4, 'host', integers, 'prefix'],
  ['iface_index', 20, 4, 'host', symbols([['lo', 1]], undefined, asText)],
  ['iface_type', 21, 2, 'host', symbols(words.ifaceType)],
  ['realm', 22, 4, 'host', symbols(words.realm, undefined, asText), 'prefix'],
  ['classid', 23, 4, 'host', classid],
  ['uid', 24, 4, 'host', integers],
  ['gid', 25, 4, 'host', integers],
  ['ct_state', 26, 4, 'host', bits(words.ctState)],
  ['ct_dir', 27, 1, 'none', symbols(words.ctDir)],
  ['ct_status', 28, 4, 'host', bits(words.ctStatus)],
  ['icmpv6_type', 29, 1, 'big', symbols(words.icmpv6Type)],
  ['ct_label', 30, 16, 'host', ctLabel],
  ['pkt_type', 31, 1, 'host', symbols(words.pktType)],
  ['icmp_code', 32, 1, 'big', symbols(words.icmpCode)],
  ['icmpv6_code', 33, 1, 'big', symbols(words.icmpv6Code)],
  ['icmpx_code', 34, 1, 'big', symbols(words.icmpxCode)],
  ['devgroup', 35, 4, 'host', symbols(words.devgroup), 'prefix'],
  ['dscp', 36, 1, 'big', symbols(words.dscp, 63)],
  ['ecn', 37, 1, 'big', symbols(words.ecn, 3)],
  ['fib_addrtype', 38, 4, 'host', symbols(words.fibAddrtype)],
  ['boolean', 39, 1, 'none', boolean],
  ['ct_event', 40, 4, 'host', bits(words.ctEvent)],
  ['ifname', 41, 16, 'host', string, 'text'],
  ['igmp_type', 42, 1, 'big', symbols(words.igmpType)],
  // nft 1.0.6 calls this one `time` too; its own name in newer ones is shown nowhere.
  ['time', 43, 8, 'host', absoluteTime],
  ['hour', 44, 4, 'host', hour],
  ['day', 45, 1, 'host', symbols(words.day)],
  ['cgroupsv2', 46, 8, 'host', integers],
];

const datatypes: readonly Datatype[] = rows.map(([name, id, size, order, codec, more]) => ({
  name,
  id,
  size,
  order,
  ...codec,
  ...(more === 'text' ? { text: true } : more === 'prefix' ? { prefix: true } : {}),
}));

const byId = new Map(datatypes.map((type) => [type.id, type]));
/** Of two types with one name the first: nft's own choice. */
const byName = new Map(datatypes.toReversed().map((type) => [type.name, type]));

export const datatypeNamesKnown: readonly string[] = [...byName.keys()].sort();

export function datatypeNamed(name: string): Datatype | undefined {
  return byName.get(name);
}

/** A number nft 1.0.6 has no type for is shown as an integer, its name the number. */
export function datatypeOf(id: number): Datatype {
  return byId.get(id) ?? { name: String(id), id, size: 0, order: 'host', ...integers };
}
