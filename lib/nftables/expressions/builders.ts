// What rules are built with: one function an expression, named as the kernel names it. Registers default to NFT_REG_1,
// which is what a rule that loads and compares one thing at a time needs; verdicts go to register 0 (NFT_REG_VERDICT).
import type { Counter } from '../../model/ruleset.ts';
import type { KnownExpressions } from './index.ts';
import type { metaKeys } from './meta.ts';
import { type Bytes, be16, be32, ether, host16, host32, ifname, ipv4, ipv6, u8 } from './values.ts';

type Known<N extends KnownExpressions['type']> = Extract<KnownExpressions, { type: N }>;
type Options<N extends KnownExpressions['type'], K extends PropertyKey> = Omit<Known<N>, 'type' | K>;

const NFT_REG_VERDICT = 0;
const NFT_REG_1 = 1;

function verdict(word: 'accept' | 'drop' | 'return' | 'continue' | 'jump' | 'goto', chain?: string): Known<'immediate'> {
  return { type: 'immediate', dreg: NFT_REG_VERDICT, data: chain === undefined ? { verdict: word } : { verdict: word, chain } };
}

/** Loads packet metadata into register 1, or writes `sreg` to it. */
export function meta(key: keyof typeof metaKeys, o: { dreg?: number; sreg?: number } = {}): Known<'meta'> {
  return o.sreg === undefined ? { type: 'meta', key, dreg: o.dreg ?? NFT_REG_1 } : { type: 'meta', key, sreg: o.sreg };
}
/** Loads `length` bytes at `offset` bytes from the start of a header. */
export function payload(
  base: 'link' | 'network' | 'transport' | 'inner',
  offset: number,
  length: number,
  o: { dreg?: number } = {},
): Known<'payload'> {
  return { type: 'payload', dreg: o.dreg ?? NFT_REG_1, base, offset, len: length };
}
/** Compares register 1 with a value of explicit width and byte order. */
export function cmp(op: '==' | '!=' | '<' | '<=' | '>' | '>=', value: Bytes | Uint8Array, o: { sreg?: number } = {}): Known<'cmp'> {
  return { type: 'cmp', sreg: o.sreg ?? NFT_REG_1, op, data: value };
}
/** register = (register & mask) ^ xor; both values as wide as the register's content. */
export function bitwise(mask: Bytes | Uint8Array, xor: Bytes | Uint8Array, o: { sreg?: number; dreg?: number } = {}): Known<'bitwise'> {
  return { type: 'bitwise', sreg: o.sreg ?? NFT_REG_1, dreg: o.dreg ?? NFT_REG_1, op: 'mask-xor', len: mask.length, mask, xor };
}
/** Register between two values, both included; network byte order. */
export function range(op: '==' | '!=', from: Bytes | Uint8Array, to: Bytes | Uint8Array, o: { sreg?: number } = {}): Known<'range'> {
  return { type: 'range', sreg: o.sreg ?? NFT_REG_1, op, from, to };
}
/** Register 1 in a named set of the same table. */
export function lookup(set: string, o: { invert?: boolean; sreg?: number; dreg?: number } = {}): Known<'lookup'> {
  return {
    type: 'lookup',
    sreg: o.sreg ?? NFT_REG_1,
    ...(o.dreg === undefined ? {} : { dreg: o.dreg }),
    set,
    ...(o.invert ? { flags: ['inv'] as const } : {}),
  };
}
/** Loads conntrack's view of the packet. */
export function ct(key: Known<'ct'>['key'], o: Options<'ct', 'key'> = {}): Known<'ct'> {
  return { type: 'ct', key, ...(o.sreg === undefined ? { dreg: NFT_REG_1 } : {}), ...o };
}
/** Loads a value into a register. */
export function immediate(value: Bytes | Uint8Array, o: { dreg?: number } = {}): Known<'immediate'> {
  return { type: 'immediate', dreg: o.dreg ?? NFT_REG_1, data: value };
}
export function counter(initial?: Counter): Known<'counter'> {
  return { type: 'counter', bytes: initial?.bytes ?? 0n, packets: initial?.packets ?? 0n };
}
/** `rate` packets (or bytes, `per: 'bytes'`) per `unit` seconds. */
export function limit(rate: bigint, unit: bigint, o: Options<'limit', 'rate' | 'unit'> = {}): Known<'limit'> {
  return { type: 'limit', rate, unit, ...o };
}
export function log(o: Options<'log', never> = {}): Known<'log'> {
  return { type: 'log', ...o };
}
export function nat(kind: 'snat' | 'dnat', family: 'ip' | 'ip6', o: Options<'nat', 'kind' | 'family'> = {}): Known<'nat'> {
  return { type: 'nat', kind, family, ...o };
}
export function masq(o: Options<'masq', never> = {}): Known<'masq'> {
  return { type: 'masq', ...o };
}
export function redir(o: Options<'redir', never> = {}): Known<'redir'> {
  return { type: 'redir', ...o };
}
/** `code`: the ICMP or ICMPv6 code, for icmpx NFT_REJECT_ICMPX_*. */
export function reject(kind: 'icmp' | 'tcp reset' | 'icmpx', code?: number): Known<'reject'> {
  return code === undefined ? { type: 'reject', kind } : { type: 'reject', kind, code };
}
/** An xtables match by name, revision and struct. */
export function match(name: string, rev: number, info: Uint8Array): Known<'match'> {
  return { type: 'match', name, rev, info };
}
/** An xtables target by name, revision and struct. */
export function target(name: string, rev: number, info: Uint8Array): Known<'target'> {
  return { type: 'target', name, rev, info };
}
export const accept = (): Known<'immediate'> => verdict('accept');
export const drop = (): Known<'immediate'> => verdict('drop');
export const jump = (chain: string): Known<'immediate'> => verdict('jump', chain);
export const goto = (chain: string): Known<'immediate'> => verdict('goto', chain);
/** The `return` verdict; `return` is no name in JavaScript. */
export const return_ = (): Known<'immediate'> => verdict('return');
export { be16, be32, ether, host16, host32, ifname, ipv4, ipv6, u8 };
