// Reads netlink messages and attribute lists in place. Lengths come from outside and are checked at every step.
import { DecodeError } from './errors.ts';

const NLMSG_HDRLEN = 16;
const NFGENMSG_LEN = 4;
/** Where attributes of an nfnetlink message begin: struct nlmsghdr, struct nfgenmsg (linux/netfilter/nfnetlink.h). */
export const NFNL_ATTRIBUTES = NLMSG_HDRLEN + NFGENMSG_LEN;
/** Without NLA_F_NESTED and NLA_F_NET_BYTEORDER. */
const NLA_TYPE_MASK = 0x3fff;

/** One message: type without subsystem, family, and where its attributes lie. */
export interface Message {
  readonly type: number;
  readonly family: number;
  readonly start: number;
  readonly end: number;
}

export function u16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}
export function be16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}
export function be32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16) | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
  );
}
export function host32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at + 3] as number) << 24) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at] as number)) >>> 0
  );
}
export function be64(bytes: Uint8Array, at: number): bigint {
  return (BigInt(be32(bytes, at)) << 32n) | BigInt(be32(bytes, at + 4));
}

export function readMessage(bytes: Uint8Array, at: number): Message {
  if (at < 0 || at + NFNL_ATTRIBUTES > bytes.length) throw new DecodeError('no room for a message header', at);
  const length = host32(bytes, at);
  if (length < NFNL_ATTRIBUTES || at + length > bytes.length) throw new DecodeError(`message length ${length}`, at);
  return { type: bytes[at + 4] as number, family: bytes[at + NLMSG_HDRLEN] as number, start: at + NFNL_ATTRIBUTES, end: at + length };
}

/** Length with header of the attribute at `at`, checked against `end`. */
export function attributeLength(bytes: Uint8Array, at: number, end: number): number {
  const length = at + 4 <= end ? u16(bytes, at) : 0;
  if (length < 4 || at + length > end) throw new DecodeError(`attribute length ${length} in ${end - at} bytes`, at);
  return length;
}

export function attributeType(bytes: Uint8Array, at: number): number {
  return u16(bytes, at + 2) & NLA_TYPE_MASK;
}

export function align4(n: number): number {
  return (n + 3) & ~3;
}

/** Where the payload of the first attribute `type` begins and ends, or undefined. */
export function findAttribute(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
): readonly [start: number, end: number] | undefined {
  for (let at = start; at < end; ) {
    const length = attributeLength(bytes, at, end);
    if (attributeType(bytes, at) === type) return [at + 4, at + length];
    at += align4(length);
  }
  return undefined;
}
