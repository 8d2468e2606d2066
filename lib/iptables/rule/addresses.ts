// address[/mask] of -s and -d as libxtables reads and prints it (xtables_ipparse_multiple, xtables_ip6parse_multiple). The real tools look
// a name up in DNS and add a rule for each answer: here names are refused.
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../wire/address.ts';
import { type IpFamily, ValueError } from '../extensions/codec.ts';
import { parseUnsigned } from '../extensions/values.ts';

/** The canonical form, host bits cleared and mask written out; undefined for a mask of no bits, which says nothing. Throws ValueError. */
export function parseNetwork(word: string, family: IpFamily): string {
  const slash = word.lastIndexOf('/');
  const mask = slash < 0 ? undefined : parseMask(word.slice(slash + 1), family);
  const size = family === 'ip' ? 4 : 16;
  // "any/0": with no bits the address is not looked at.
  if (mask?.every((b) => b === 0)) return family === 'ip' ? '0.0.0.0/0' : '::/0';
  const address = slash < 0 ? word : word.slice(0, slash);
  const bytes = family === 'ip' ? parseShortIpv4(address) : parseIpv6(address);
  if (bytes === undefined) throw new ValueError(noAddress(address, family));
  if (mask === undefined) return family === 'ip' ? `${formatIpv4(bytes)}/32` : `${formatIpv6(bytes)}/128`;
  for (let i = 0; i < size; i++) bytes[i] = (bytes[i] as number) & (mask[i] as number);
  return formatNetwork(bytes, mask, family);
}

/** `address/len`, or `address/mask` for a mask with holes. */
export function formatNetwork(address: Uint8Array, mask: Uint8Array, family: IpFamily): string {
  return `${family === 'ip' ? formatIpv4(address) : formatIpv6(address)}/${maskText(mask, family)}`;
}

/** The length, or an address for a mask with holes. */
export function maskText(mask: Uint8Array, family: IpFamily): string {
  const length = prefixLength(mask);
  return length !== undefined ? String(length) : family === 'ip' ? formatIpv4(mask) : formatIpv6(mask);
}

/** Address and mask of the canonical form. */
export function networkBytes(network: string, family: IpFamily): { readonly address: Uint8Array; readonly mask: Uint8Array } {
  const slash = network.lastIndexOf('/');
  const address = family === 'ip' ? parseIpv4(network.slice(0, slash)) : parseIpv6(network.slice(0, slash));
  if (slash < 0 || address === undefined) throw new ValueError(`"${network}" is no ${family} network`);
  return { address, mask: parseMask(network.slice(slash + 1), family) };
}

function noAddress(word: string, family: IpFamily): string {
  if (word === '') return "host/network `' not found";
  const other = family === 'ip' ? parseIpv6(word) : parseIpv4(word);
  if (other !== undefined) return `"${word}" is an address of the other family`;
  return `host/network \`${word}' not found: an address is needed, names are not looked up`;
}

export function parseMask(word: string, family: IpFamily): Uint8Array {
  const size = family === 'ip' ? 4 : 16;
  const written = family === 'ip' ? parseDotted(word, true) : parseIpv6(word);
  if (written !== undefined) return written;
  const bits = parseUnsigned(word, size * 8);
  if (bits === undefined) throw new ValueError(`invalid mask \`${word}' specified`);
  const mask = new Uint8Array(size);
  for (let i = 0; i < size; i++) mask[i] = bits >= 8 * i + 8 ? 0xff : bits <= 8 * i ? 0 : (0xff << (8 * i + 8 - bits)) & 0xff;
  return mask;
}

export function prefixLength(mask: Uint8Array): number | undefined {
  let bits = 0;
  while (bits < mask.length * 8 && ((mask[bits >> 3] as number) & (0x80 >> (bits & 7))) !== 0) bits++;
  for (let i = bits; i < mask.length * 8; i++) if (((mask[i >> 3] as number) & (0x80 >> (i & 7))) !== 0) return undefined;
  return bits;
}

/** xtables_numeric_to_ipaddr: parts in decimal, octal or hex; missing ones at the end are 0 (10 is 10.0.0.0). */
export function parseShortIpv4(word: string): Uint8Array | undefined {
  return parseIpv4(word) ?? parseDotted(word, false);
}

function parseDotted(word: string, whole: boolean): Uint8Array | undefined {
  const parts = word.split('.');
  if (parts.length > 4 || (whole && parts.length < 4)) return undefined;
  const bytes = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    const value = parseUnsigned(part, 255);
    if (value === undefined) return undefined;
    bytes[i] = value;
  }
  return bytes;
}
