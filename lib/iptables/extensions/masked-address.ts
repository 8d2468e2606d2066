// `address[/mask]` of extensions whose kernel part compares under the mask (XTTYPE_HOSTMASK of libxtables): host bits stay, and a mask of
// all bits isn't written.
import { maskText, networkBytes } from '../rule/addresses.ts';
import type { IpFamily, Value } from './codec.ts';
import type { Struct } from './struct.ts';
import { formatAddress, parseUnsigned } from './values.ts';

type Masked = ReturnType<typeof networkBytes>;

export const maskedAddress: Value<string> = {
  parse: ([word], c) => format(parse(word as string, c.family), c.family),
  format: (v) => [v],
};

function parse(word: string, family: IpFamily): Masked {
  const slash = word.indexOf('/');
  const address = slash < 0 ? word : word.slice(0, slash);
  const mask = slash < 0 ? (family === 'ip' ? '32' : '128') : word.slice(slash + 1);
  return networkBytes(`${(family === 'ip' ? shortIpv4(address) : undefined) ?? address}/${mask}`, family);
}

/** inet_aton(3): of fewer than four parts the last fills the bytes that remain. */
function shortIpv4(word: string): string | undefined {
  const parts = word.split('.');
  const remain = 5 - parts.length;
  if (remain < 1) return undefined;
  const last = parseUnsigned(parts.pop() as string, 256 ** remain - 1);
  const bytes = parts.map((part) => parseUnsigned(part, 255));
  if (last === undefined || bytes.includes(undefined)) return undefined;
  for (let i = remain - 1; i >= 0; i--) bytes.push(Math.floor(last / 256 ** i) % 256);
  return bytes.join('.');
}

function format({ address, mask }: Masked, family: IpFamily): string {
  const text = formatAddress(family, address);
  return mask.every((b) => b === 0xff) ? text : `${text}/${maskText(mask, family)}`;
}

/** Whether the address is that of no host, whatever the mask: listed as `anywhere`. */
export function isUnspecified(text: string): boolean {
  return /^(0\.0\.0\.0|::)(\/|$)/.test(text);
}

/** Into two union nf_inet_addr. Without a mask the real tools fill all 16 bytes of its union, whatever the family. */
export function writeMasked(s: Struct, addressAt: number, maskAt: number, text: string, family: IpFamily): void {
  const masked = parse(text, family);
  s.set(addressAt, masked.address);
  s.set(maskAt, text.includes('/') ? masked.mask : new Uint8Array(16).fill(0xff));
}
export function readMasked(s: Struct, addressAt: number, maskAt: number, family: IpFamily): string {
  const size = family === 'ip' ? 4 : 16;
  return format({ address: s.copy(addressAt, size), mask: s.copy(maskAt, size) }, family);
}
