// Services with their endpoints, as JSON says them.
import { isIPv4 } from 'node:net';

export interface Service {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  /** Default: tcp. */
  readonly protocol?: 'tcp' | 'udp';
  /** `address:port`. Without one the service is rejected. */
  readonly endpoints: readonly string[];
}
export type Services = ReadonlyMap<string, Service>;

/** A list of services. Throws what is wrong with it. */
export function readList(json: string): Services {
  const list: unknown = JSON.parse(json);
  if (!Array.isArray(list)) throw new TypeError('a list of services');
  return new Map(list.map(readService).map((s) => [s.name, s]));
}

/** One service that comes, changes, or with `"gone": true` goes. */
export function readChange(json: string, before: Services): Services {
  const change: unknown = JSON.parse(json);
  const after = new Map(before);
  if (isObject(change) && change['gone'] === true && typeof change['name'] === 'string') after.delete(change['name']);
  else {
    const service = readService(change);
    after.set(service.name, service);
  }
  return after;
}

function readService(value: unknown): Service {
  if (!isObject(value)) throw new TypeError('a service is an object');
  const { name, ip, port, protocol = 'tcp', endpoints } = value;
  if (typeof name !== 'string' || name === '') throw new TypeError('a service has a name');
  const wrong = (what: string, is: unknown): TypeError => new TypeError(`service ${name}: ${what} ${JSON.stringify(is)}`);
  if (typeof ip !== 'string' || !isIPv4(ip)) throw wrong('ip', ip);
  if (typeof port !== 'number' || !isPort(port)) throw wrong('port', port);
  if (protocol !== 'tcp' && protocol !== 'udp') throw wrong('protocol', protocol);
  if (!Array.isArray(endpoints) || !endpoints.every(isEndpoint)) throw wrong('endpoints', endpoints);
  return { name, ip, port, protocol, endpoints };
}

function isEndpoint(word: unknown): word is string {
  if (typeof word !== 'string') return false;
  const [address = '', port = '', ...more] = word.split(':');
  return more.length === 0 && isIPv4(address) && isPort(Number(port));
}
function isPort(number: number): boolean {
  return Number.isInteger(number) && number > 0 && number < 65536;
}
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
