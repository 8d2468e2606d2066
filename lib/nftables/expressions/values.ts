// Values with a width and a byte order, for builders: a register comparison has neither of its own.

import { parseIpv4, parseIpv6 } from '../../wire/address.ts';
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { encodeText } from '../../wire/text.ts';

declare const width: unique symbol;
/** A value with a width and byte order. */
export interface Bytes extends Uint8Array {
  readonly [width]: number;
}

function wide(bytes: Uint8Array): Bytes {
  return bytes as Bytes;
}

function integer(what: string, n: number, bits: number): number {
  if (!Number.isInteger(n) || n < 0 || n >= 2 ** bits) throw new EncodeError(what, `${show(n)} is no unsigned ${bits}-bit integer`);
  return n;
}

function packed(size: number, put: (view: DataView) => void): Bytes {
  const bytes = new Uint8Array(size);
  put(new DataView(bytes.buffer));
  return wide(bytes);
}

/** One byte, 0..255: protocol numbers, ICMP types. */
export function u8(n: number): Bytes {
  return wide(Uint8Array.of(integer('u8', n, 8)));
}
/** Two bytes in network order, 0..65535: ports, ethertypes. */
export function be16(n: number): Bytes {
  return packed(2, (v) => v.setUint16(0, integer('be16', n, 16)));
}
/** Four bytes in network order. */
export function be32(n: number): Bytes {
  return packed(4, (v) => v.setUint32(0, integer('be32', n, 32)));
}
/** Two bytes in the host's order: device types. */
export function host16(n: number): Bytes {
  return packed(2, (v) => v.setUint16(0, integer('host16', n, 16), true));
}
/** Four bytes in the host's order: marks, ct state, interface indexes. */
export function host32(n: number): Bytes {
  return packed(4, (v) => v.setUint32(0, integer('host32', n, 32), true));
}
function long(what: string, n: bigint): bigint {
  if (typeof n !== 'bigint' || n < 0n || n >= 1n << 64n) throw new EncodeError(what, `${show(n)} is no unsigned 64-bit bigint`);
  return n;
}
/** Eight bytes in network order. */
export function be64(n: bigint): Bytes {
  return packed(8, (v) => v.setBigUint64(0, long('be64', n)));
}
/** Eight bytes in the host's order: ct bytes and packets, meta time (nanoseconds), socket cgroupv2. */
export function host64(n: bigint): Bytes {
  return packed(8, (v) => v.setBigUint64(0, long('host64', n), true));
}
/** A name of 1 to 15 bytes padded with NUL to 16: ct helper, osf name, meta iifkind. */
export function name16(name: string): Bytes {
  return padded('name16', encodeText(name), name);
}
/** A dotted quad, four bytes in network order. */
export function ipv4(address: string): Bytes {
  const bytes = parseIpv4(address);
  if (bytes === undefined) throw new EncodeError('ipv4', `${show(address)} is no IPv4 address`);
  return wide(bytes);
}
/** An IPv6 address, sixteen bytes in network order. */
export function ipv6(address: string): Bytes {
  const bytes = parseIpv6(address);
  if (bytes === undefined) throw new EncodeError('ipv6', `${show(address)} is no IPv6 address`);
  return wide(bytes);
}
/** `aa:bb:cc:dd:ee:ff`, six bytes. */
export function ether(address: string): Bytes {
  if (!/^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(address)) throw new EncodeError('ether', `${show(address)} is no Ethernet address`);
  return wide(Uint8Array.from(address.split(':'), (part) => Number.parseInt(part, 16)));
}
/**
 * An interface name for iifname and oifname: 16 bytes padded with NUL, compared whole. `eth*` compares only the
 * letters before the star, as nft writes it. At most 15 bytes (IFNAMSIZ is 16).
 */
export function ifname(name: string): Bytes {
  const prefix = name.endsWith('*') && !name.endsWith('\\*');
  const text = encodeText(prefix ? name.slice(0, -1) : name.replace(/\\\*$/, '*'));
  const bytes = padded('ifname', text, name);
  return prefix ? wide(text) : bytes;
}

function padded(what: string, text: Uint8Array, name: string): Bytes {
  if (text.length === 0 || text.length > 15 || text.includes(0))
    throw new EncodeError(what, `${show(name)} is no ${what === 'ifname' ? 'interface name' : 'name'} of 1 to 15 bytes`);
  const bytes = new Uint8Array(16);
  bytes.set(text);
  return wide(bytes);
}
