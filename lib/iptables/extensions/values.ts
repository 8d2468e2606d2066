// Kinds of option values that several extensions share. Numbers are read as strtoul(3) with base 0 does: decimal, 0x hex,
// leading 0 octal (xtables_strtoui).
import { readFileSync } from 'node:fs';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../wire/address.ts';
import { EncodeError } from '../../wire/errors.ts';
import { encodeText } from '../../wire/text.ts';
import { type IpFamily, type Value, ValueError } from './codec.ts';
import { oneLine } from './option-values.ts';

/** An unsigned number as xtables_strtoui reads it, blanks before it too, or undefined. */
export function parseUnsigned(text: string, max: number, min = 0): number | undefined {
  const digits = /^[ \t-\r]*\+?(0x[0-9a-f]+|[0-9]+)$/i.exec(text)?.[1];
  if (digits === undefined) return undefined;
  const octal = /^0[0-7]+$/.test(digits);
  if (!octal && /^0[0-9]+$/.test(digits)) return undefined;
  const n = octal ? Number.parseInt(digits, 8) : Number(digits);
  return n >= min && n <= max ? n : undefined;
}

export function unsigned(max: number, min = 0): Value<number> {
  return {
    parse: ([word]) => {
      const n = parseUnsigned(word as string, max, min);
      if (n === undefined) throw new ValueError(`bad integer value, or out of range ${min}..${max}`);
      return n;
    },
    format: (n) => [String(n)],
  };
}

/** An unsigned number of 64 bits, as xtables_strtoul reads it. */
export const unsigned64: Value<bigint> = {
  parse: ([word]) => {
    const digits = /^\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.exec(word as string)?.[1];
    const n = digits === undefined ? -1n : BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits}` : digits);
    if (n < 0n || n > 0xffffffffffffffffn) throw new ValueError('bad integer value, or out of range 0..18446744073709551615');
    return n;
  },
  format: (n) => [String(n)],
};

/** Whether text has at most `max` bytes; ASCII, which nearly all is, isn't encoded to learn that. */
export function fits(text: string, max: number): boolean {
  if (text.length > max) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 0x80) return textBytes(text).length <= max;
  return true;
}

/** The bytes of text that a rule holds. Throws ValueError where it holds half a character. */
export function textBytes(text: string): Uint8Array {
  try {
    return encodeText(text);
  } catch (err) {
    throw err instanceof EncodeError ? new ValueError(err.reason) : err;
  }
}

/** Text of at most `max` bytes, printed in quotes unless it is letters, digits, `_` and `-`. */
export function text(max: number): Value<string> {
  return { ...name(max), quote: true };
}
/** A name of at most `max` bytes, printed as it is. */
export function name(max: number): Value<string> {
  return {
    parse: ([word]) => {
      if ((word as string).includes('\0')) throw new ValueError('holds a NUL');
      oneLine(word as string);
      if (!fits(word as string, max)) throw new ValueError(`too long, ${max} bytes are allowed`);
      return word as string;
    },
    format: (v) => [v],
  };
}

export interface Marked {
  readonly value: number;
  readonly mask: number;
}
/** `value[/mask]` of 32 bits; the mask defaults to all ones. */
export const marked: Value<Marked> = {
  parse: ([word]) => {
    const slash = (word as string).indexOf('/');
    const value = parseUnsigned(slash < 0 ? (word as string) : (word as string).slice(0, slash), 0xffffffff);
    const mask = slash < 0 ? 0xffffffff : parseUnsigned((word as string).slice(slash + 1), 0xffffffff);
    if (value === undefined || mask === undefined) throw new ValueError('bad mark value, value[/mask] with 32 bits each is needed');
    return { value, mask };
  },
  format: (v) => [markText(v)],
};
/** `0x1`, or `0x1/0xff` where the mask isn't all ones. */
export function markText({ value, mask }: Marked): string {
  return mask === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

/** %#x of C prints 0 without its prefix; xtables writes "0x%x". */
export function hex(n: number): string {
  return `0x${n.toString(16)}`;
}

/** An address of the family, never a host name. */
export function parseAddress(family: IpFamily, word: string): Uint8Array | undefined {
  return family === 'ip' ? parseIpv4(word) : parseIpv6(word);
}
export function formatAddress(family: IpFamily, bytes: Uint8Array, at = 0): string {
  return family === 'ip' ? formatIpv4(bytes, at) : formatIpv6(bytes, at);
}

/** getservbyport(3): the name of a port in /etc/services, for -L without -n. */
export function serviceName(port: number, protocol: string): string | undefined {
  names ??= readServiceNames();
  return names.get(`${port}/${protocol}`);
}
let names: Map<string, string> | undefined;
function readServiceNames(): Map<string, string> {
  const found = new Map<string, string>();
  for (const { name, port, protocol } of serviceLines()) if (!found.has(`${port}/${protocol}`)) found.set(`${port}/${protocol}`, name);
  return found;
}

let services: Map<string, number> | undefined;
/** getservbyname(3): the port of a service of /etc/services, of the protocol or of any; undefined where there is none. */
export function servicePort(name: string, protocol?: string): number | undefined {
  services ??= readServices();
  return services.get(protocol === undefined ? name : `${name}/${protocol}`);
}
/** By `name` and by `name/protocol`; the first line that has a name counts, as in getservbyname(3). Read once. */
function readServices(): Map<string, number> {
  const found = new Map<string, number>();
  for (const { name, aliases, port, protocol } of serviceLines()) {
    for (const one of [name, ...aliases]) {
      for (const key of [one, `${one}/${protocol}`]) if (!found.has(key)) found.set(key, port);
    }
  }
  return found;
}
interface Service {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly port: number;
  readonly protocol: string;
}
function* serviceLines(): Generator<Service> {
  let lines: string[];
  try {
    lines = readFileSync('/etc/services', 'utf8').split('\n');
  } catch {
    return; // a system without the file has no names
  }
  for (const line of lines) {
    const [name = '', place = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/);
    const [port = '', protocol = ''] = place.split('/');
    if (/^[0-9]+$/.test(port)) yield { name, aliases, port: Number(port), protocol };
  }
}
