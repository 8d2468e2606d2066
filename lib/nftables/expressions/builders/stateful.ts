// Builders of what counts and limits.
import type { Counter } from '../../../model/ruleset.ts';
import { type Known, NFT_REG_1, type Options } from './known.ts';

export function counter(initial?: Counter): Known<'counter'> {
  return { type: 'counter', bytes: initial?.bytes ?? 0n, packets: initial?.packets ?? 0n };
}
/** `rate` packets (or bytes, `per: 'bytes'`) per `unit` seconds. */
export function limit(rate: bigint, unit: bigint, o: Options<'limit', 'rate' | 'unit'> = {}): Known<'limit'> {
  return { type: 'limit', rate, unit, ...o };
}
/** True until `bytes` came by, with `invert` after that. `consumed`: bytes already used. */
export function quota(bytes: bigint, o: { invert?: boolean; consumed?: bigint } = {}): Known<'quota'> {
  const { invert, ...rest } = o;
  return { type: 'quota', bytes, ...rest, flags: invert ? ['inv'] : [] };
}
/** True up to `count` connections, with `invert` above. */
export function connlimit(count: number, o: { invert?: boolean } = {}): Known<'connlimit'> {
  return o.invert ? { type: 'connlimit', count, flags: ['inv'] } : { type: 'connlimit', count };
}
/** Remembers when a packet came by. */
export function last(): Known<'last'> {
  return { type: 'last' };
}
/** Runs a named object of the same table: by kind and name, or by a register's value in an object map. */
export function objref(o: { kind: Known<'objref'>['kind'] & string; name: string } | { set: string; sreg?: number }): Known<'objref'> {
  return 'name' in o ? { type: 'objref', kind: o.kind, name: o.name } : { type: 'objref', sreg: o.sreg ?? NFT_REG_1, set: o.set };
}
