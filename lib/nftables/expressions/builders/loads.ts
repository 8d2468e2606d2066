// Builders of what puts a value in a register: from the packet, its connection, its socket, its route.
import type { InnerExpression } from '../inner.ts';
import type { metaKeys } from '../meta.ts';
import type { Bytes } from '../values.ts';
import { type Known, NFT_REG_1, type Options, type To } from './known.ts';

/** Loads packet metadata into register 1, or writes `sreg` to it. */
export function meta(key: keyof typeof metaKeys, o: { dreg?: number; sreg?: number } = {}): Known<'meta'> {
  return o.sreg === undefined ? { type: 'meta', key, dreg: o.dreg ?? NFT_REG_1 } : { type: 'meta', key, sreg: o.sreg };
}
/** Loads `length` bytes at `offset` bytes from the start of a header; with `sreg`, writes that register there. */
export function payload(
  base: 'link' | 'network' | 'transport' | 'inner' | 'tunnel',
  offset: number,
  length: number,
  o: Options<'payload', 'base' | 'offset' | 'len'> = {},
): Known<'payload'> {
  return { type: 'payload', ...(o.sreg === undefined ? { dreg: NFT_REG_1 } : {}), base, offset, len: length, ...o };
}
/**
 * Loads `len` bytes at `offset` of a header, option or chunk of number `kind`: 1 byte at 0 unless told otherwise. With
 * `flags: ['present']` the register says whether it is there; with `sreg` that register is written (TCP options only).
 */
export function exthdr(op: Known<'exthdr'>['op'] & string, kind: number, o: Options<'exthdr', 'op' | 'kind'> = {}): Known<'exthdr'> {
  return { type: 'exthdr', ...(o.sreg === undefined ? { dreg: NFT_REG_1 } : {}), op, kind, offset: 0, len: 1, ...o };
}
/** Overwrites a TCP option with NOPs, nft's `reset tcp option`. */
export function resetTcpOption(kind: number): Known<'exthdr'> {
  return { type: 'exthdr', op: 'tcp option', kind };
}
/**
 * Runs `expr`, a payload or meta, inside a tunnel. VXLAN and GENEVE by name; 0 for GRE. `hdrsize`: bytes of the tunnel's
 * header (8 for VXLAN and GENEVE, 4 for GRE).
 */
export function inner(
  kind: Known<'inner'>['kind'],
  hdrsize: number,
  flags: Known<'inner'>['flags'],
  expr: InnerExpression,
): Known<'inner'> {
  return { type: 'inner', num: 0, kind, hdrsize, flags, expr };
}
/** Loads conntrack's view of the packet, or writes `sreg` to it. */
export function ct(key: Known<'ct'>['key'], o: Options<'ct', 'key'> = {}): Known<'ct'> {
  return { type: 'ct', key, ...(o.sreg === undefined ? { dreg: NFT_REG_1 } : {}), ...o };
}
/** Loads a value of the packet's route. */
export function rt(key: Known<'rt'>['key'], o: To = {}): Known<'rt'> {
  return { type: 'rt', key, dreg: o.dreg ?? NFT_REG_1 };
}
/** Loads a value of the local socket; `level` for cgroupv2. */
export function socket(key: Known<'socket'>['key'], o: Partial<Options<'socket', 'key'>> = {}): Known<'socket'> {
  return { type: 'socket', key, dreg: NFT_REG_1, ...o };
}
/** Asks the routing table for a device or an address type. */
export function fib(result: Known<'fib'>['result'], flags: Known<'fib'>['flags'], o: To = {}): Known<'fib'> {
  return { type: 'fib', dreg: o.dreg ?? NFT_REG_1, result, flags };
}
/** Loads the name of the sender's operating system, 16 bytes. */
export function osf(o: Partial<Options<'osf', never>> = {}): Known<'osf'> {
  return { type: 'osf', dreg: NFT_REG_1, ...o };
}
/** Loads a value of the packet's IPsec state. */
export function xfrm(key: Known<'xfrm'>['key'], dir: Known<'xfrm'>['dir'], o: Partial<Options<'xfrm', 'key' | 'dir'>> = {}): Known<'xfrm'> {
  return { type: 'xfrm', dreg: NFT_REG_1, key, dir, ...o };
}
/** Loads metadata of the packet's tunnel. */
export function tunnel(key: Known<'tunnel'>['key'], o: Partial<Options<'tunnel', 'key'>> = {}): Known<'tunnel'> {
  return { type: 'tunnel', key, dreg: NFT_REG_1, ...o };
}
/** Loads a running or random number from 0 (or `offset`) on, `modulus` of them. */
export function numgen(
  mode: Known<'numgen'>['mode'],
  modulus: number,
  o: Partial<Options<'numgen', 'mode' | 'modulus'>> = {},
): Known<'numgen'> {
  return { type: 'numgen', dreg: NFT_REG_1, modulus, mode, ...o };
}
/** Loads a number below `modulus`: jhash of `len` bytes of `sreg`, or symhash of the packet's flow. */
export function hash(kind: 'jhash' | 'symhash', modulus: number, o: Partial<Options<'hash', 'kind' | 'modulus'>> = {}): Known<'hash'> {
  return { type: 'hash', ...(kind === 'jhash' ? { sreg: NFT_REG_1 } : {}), dreg: NFT_REG_1, modulus, kind, ...o };
}
/** Loads a value into a register. */
export function immediate(value: Bytes | Uint8Array, o: To = {}): Known<'immediate'> {
  return { type: 'immediate', dreg: o.dreg ?? NFT_REG_1, data: value };
}
