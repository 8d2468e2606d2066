// Addresses and ports of DNAT, SNAT, MASQUERADE and REDIRECT as text and as options (libxt_NAT.c).
import { type IpFamily, type ParseContext, type Value, ValueError } from './codec.ts';
import { formatAddress, parseAddress, parseUnsigned, servicePort } from './values.ts';

/** One port, or the first and last of several. `base` is the original port that maps to the first (DNAT only). */
export type NatPorts = number | { readonly min: number; readonly max: number; readonly base?: number };
/** One address, or the first and last of several. */
export type NatAddresses = string | { readonly min: string; readonly max: string };
/** `[address[-address]][:port[-port[/base]]]`; without an address only the port changes. */
export interface NatRange {
  readonly address?: NatAddresses;
  readonly port?: NatPorts;
}

const MAX_PORT = 0xffff;

/** A name of /etc/services may stand for a single port or the base, never inside a range. */
function portOrService(text: string, min: number): number {
  const port = parseUnsigned(text.trimStart(), MAX_PORT, min) ?? servicePort(text);
  if (port === undefined) throw new ValueError(`port "${text}" not valid`);
  return port;
}

function parsePorts(text: string, shifted: boolean): NatPorts {
  if (text.includes(':')) throw new ValueError('invalid port:port syntax - use dash');
  // Names may have a dash too: only what begins with a digit is a range.
  const range = /^(\s*\+?[0-9][0-9a-z]*)-([^/]*)(?:\/(.*))?$/is.exec(text);
  if (range === null) return portOrService(text, 0);
  const [, first = '', last = '', base] = range;
  const min = parseUnsigned(first.trimStart(), MAX_PORT);
  const max = parseUnsigned(last.trimStart(), MAX_PORT);
  if (min === undefined || max === undefined) throw new ValueError(`port range "${text}" not valid`);
  if (max < min) throw new ValueError(`port range "${text}" ends before it begins`);
  if (base === undefined) return min === max ? min : { min, max };
  // The real SNAT and MASQUERADE take a base and keep only a flag of it, which no one can read back.
  if (!shifted) throw new ValueError('shifted port ranges are not supported here');
  return { min, max, base: portOrService(base, 1) };
}

function formatPorts(ports: NatPorts): string {
  if (typeof ports === 'number') return String(ports);
  const { min, max, base } = ports;
  // The real save shortens 9-9/7 to 9/7, which the real parser refuses.
  if (base !== undefined) return `${min}-${max}/${base}`;
  return min === max ? String(min) : `${min}-${max}`;
}

function parseAddresses(family: IpFamily, text: string): NatAddresses {
  const dash = text.indexOf('-');
  const min = canonical(family, dash < 0 ? text : text.slice(0, dash));
  const max = dash < 0 ? min : canonical(family, text.slice(dash + 1));
  return min === max ? min : { min, max };
}
function canonical(family: IpFamily, text: string): string {
  const bytes = parseAddress(family, text);
  if (bytes === undefined) throw new ValueError(`bad IP address "${text}"`);
  return formatAddress(family, bytes);
}

/** addresses, then ports. An IPv6 address has colons of its own: ports follow brackets, or stand alone. */
const parts = { ip: /^([^:[\]]*)(?::(.*))?$/s, ip6: /^(?:\[([^\]]*)\]|(?=:[^:]*$))(?::(.*))?$/s };

function parseRange(text: string, family: IpFamily, shifted: boolean): NatRange {
  const found = parts[family].exec(text);
  if (found === null) {
    if (family === 'ip' || text.includes('[')) throw new ValueError(`invalid address format "${text}"`);
    return { address: parseAddresses(family, text) };
  }
  const [, addresses = '', ports] = found;
  if (ports === undefined) return { address: parseAddresses(family, addresses) };
  const port = parsePorts(ports, shifted);
  return addresses === '' ? { port } : { address: parseAddresses(family, addresses), port };
}

function formatRange({ address = '', port }: NatRange, family: IpFamily): string {
  const addresses = typeof address === 'string' || address.min === address.max ? firstOf(address) : `${address.min}-${address.max}`;
  if (port === undefined) return addresses;
  return `${family === 'ip6' && addresses !== '' ? `[${addresses}]` : addresses}:${formatPorts(port)}`;
}

export function firstOf(a: NatAddresses): string {
  return typeof a === 'string' ? a : a.min;
}
export function lastOf(a: NatAddresses): string {
  return typeof a === 'string' ? a : a.max;
}

/** Refuses a struct that neither has an address nor a port, which --to-destination and --to-source can't say. */
export function givenRange(range: NatRange): NatRange {
  if (range.address === undefined && range.port === undefined) throw new ValueError('neither an address nor a port is given');
  return range;
}

/** --to-destination, --to-source. `shifted`: whether a base port may follow the range. */
export function natRange(shifted: boolean): Value<NatRange> {
  return {
    parse: ([word], c) => parseRange(word as string, c.family, shifted),
    format: (range, c) => [formatRange(range, c.family)],
  };
}
/** --to-ports. */
export const natPorts: Value<NatPorts> = { parse: ([word]) => parsePorts(word as string, false), format: (ports) => [formatPorts(ports)] };

/** icmp, tcp, udp, dccp, sctp: what has ports, or ids, for the real tools, of either family. They don't look at `!`. */
const PORT_PROTOCOLS = [1, 6, 17, 33, 132];
export function checkPorts(ports: NatPorts | undefined, c: ParseContext): void {
  if (ports !== undefined && !PORT_PROTOCOLS.includes(c.protocol))
    throw new ValueError('need TCP, UDP, SCTP or DCCP with port specification');
}
