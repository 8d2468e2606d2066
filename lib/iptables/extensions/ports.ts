// Ports and ranges of ports as matches have them: numbers, or services by name (xtables_parse_port).
import { isNot, type Not, type ParseContext, type Value, ValueError } from './codec.ts';
import { bare } from './option-values.ts';
import { parseUnsigned, serviceName, servicePort } from './values.ts';

/** One port, or the first and the last of a range. */
export type Ports = number | readonly [first: number, last: number];

/** Protocols with ports, by the name they have in /etc/services. */
export const services: Readonly<Record<number, string>> = { 6: 'tcp', 17: 'udp', 33: 'dccp', 132: 'sctp', 136: 'udplite' };

export function parsePort(word: string, c: ParseContext): number {
  const port = parseUnsigned(word, 65535) ?? servicePort(word, services[c.protocol]);
  if (port === undefined) throw new ValueError(`invalid port/service \`${word}' specified`);
  return port;
}

/** `port[:port]`; a side left out is 0 or 65535. */
function rangeOfPorts(port: (word: string, c: ParseContext) => number): Value<Ports> {
  return {
    parse: ([word], c) => {
      const text = word as string;
      const colon = text.indexOf(':');
      if (colon < 0) return port(text, c);
      const first = colon === 0 ? 0 : port(text.slice(0, colon), c);
      const last = colon === text.length - 1 ? 65535 : port(text.slice(colon + 1), c);
      return portRange(first, last);
    },
    format: (v) => [typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`],
  };
}
/** Of xtables_parse_port: tcp, sctp. */
export const ports = rangeOfPorts(parsePort);

/** As -L shows a port: the service's name unless -n was given. */
export function listPort(port: number, protocol: string, numeric: boolean): string {
  return (numeric ? undefined : serviceName(port, protocol)) ?? String(port);
}
/** ` dpt:22`, ` dpts:!1:1024`, '' for no option (print_ports of libxt_tcp.c). */
export function listPorts(label: string, option: Not<Ports> | undefined, protocol: string, numeric: boolean): string {
  if (option === undefined) return '';
  const range = bare<Ports>(option);
  const [first, last] = [firstPort(range), lastPort(range)].map((port) => listPort(port, protocol, numeric));
  const inverted = isNot(option) ? '!' : '';
  return typeof range === 'number' ? ` ${label}:${inverted}${first}` : ` ${label}s:${inverted}${first}:${last}`;
}

/** Throws ValueError for a range that ends before it begins: nothing matches it, and where the real tools take it no two agree. */
export function portRange(first: number, last: number): Ports {
  if (first > last) throw new ValueError(`Port range ${first}-${last} is negative.`);
  return first === last ? first : [first, last];
}
export function firstPort(v: Ports): number {
  return typeof v === 'number' ? v : v[0];
}
export function lastPort(v: Ports): number {
  return typeof v === 'number' ? v : v[1];
}

/** Every port, and not inverted: it says nothing. */
export function isAnyPort(option: unknown): boolean {
  return Array.isArray(option) && option[0] === 0 && option[1] === 65535;
}

/** Decimal always: 010 is 10 here, and 0x8 is none. The real tools take 65536 for 0, which getaddrinfo(3) does to them. */
function parsePlainPort(word: string): number {
  const digits = /^[ \t-\r]*\+?([0-9]+)$/.exec(word)?.[1];
  const n = digits === undefined ? servicePort(word) : Number(digits);
  if (n === undefined || n > 0xffff) throw new ValueError(`port "${word}" does not resolve to anything`);
  return n;
}
/** One port or a name of /etc/services of any protocol (XTTYPE_PORT). */
export const plainPort: Value<number> = { parse: ([word]) => parsePlainPort(word as string), format: (n) => [String(n)] };
/** A range of such (XTTYPE_PORTRC): udp, conntrack. */
export const plainPorts = rangeOfPorts(parsePlainPort);
