// Builders of what changes or compares registers.
import { type Bytes, host32 } from '../values.ts';
import { type Known, NFT_REG_1 } from './known.ts';

/** Compares register 1 with a value of explicit width and byte order. */
export function cmp(op: '==' | '!=' | '<' | '<=' | '>' | '>=', value: Bytes | Uint8Array, o: { sreg?: number } = {}): Known<'cmp'> {
  return { type: 'cmp', sreg: o.sreg ?? NFT_REG_1, op, data: value };
}
/** register = (register & mask) ^ xor; both values as wide as the register's content. */
export function bitwise(mask: Bytes | Uint8Array, xor: Bytes | Uint8Array, o: { sreg?: number; dreg?: number } = {}): Known<'bitwise'> {
  return { type: 'bitwise', sreg: o.sreg ?? NFT_REG_1, dreg: o.dreg ?? NFT_REG_1, op: 'mask-xor', len: mask.length, mask, xor };
}
/** Turns `len` bytes of integers of `size` (2, 4 or 8) bytes each: from network to host order, or back. */
export function byteorder(op: 'ntoh' | 'hton', len: number, size: 2 | 4 | 8, o: { sreg?: number; dreg?: number } = {}): Known<'byteorder'> {
  return { type: 'byteorder', sreg: o.sreg ?? NFT_REG_1, dreg: o.dreg ?? NFT_REG_1, op, len, size };
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
/**
 * Adds register 1 to a set of the same table, updates or deletes it there. `timeout` in milliseconds; `expressions`: what
 * a new element counts or limits, one or two of counter, limit, quota, connlimit, last.
 */
export function dynset(
  op: 'add' | 'update' | 'delete',
  set: string,
  o: {
    sregKey?: number;
    sregData?: number;
    timeout?: bigint;
    invert?: boolean;
    expressions?: NonNullable<Known<'dynset'>['expressions']>;
  } = {},
): Known<'dynset'> {
  const { sregKey = NFT_REG_1, invert, expressions = [], ...rest } = o;
  const [expr, second] = expressions;
  const flags = [...(invert ? (['inv'] as const) : []), ...(expr === undefined ? [] : (['expr'] as const))];
  const nested = expr === undefined ? {} : second === undefined ? { expr } : { expressions };
  return { type: 'dynset', sregKey, op, set, ...rest, ...(flags.length === 0 ? {} : { flags }), ...nested };
}
/** Shifts `len` bytes of a register by `bits`, in the order the register's bytes have (network order for packet fields). */
export function shift(op: 'lshift' | 'rshift', len: number, bits: number, o: { sreg?: number; dreg?: number } = {}): Known<'bitwise'> {
  return { type: 'bitwise', sreg: o.sreg ?? NFT_REG_1, dreg: o.dreg ?? NFT_REG_1, op, len, data: host32(bits) };
}
/** Combines `len` bytes of a register with those of `sreg2`. Since Linux 6.13. */
export function combine(op: 'and' | 'or' | 'xor', len: number, sreg2: number, o: { sreg?: number; dreg?: number } = {}): Known<'bitwise'> {
  return { type: 'bitwise', sreg: o.sreg ?? NFT_REG_1, dreg: o.dreg ?? NFT_REG_1, op, len, sreg2 };
}
