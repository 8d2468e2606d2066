// Small helpers for codecs: options that `!` may invert apart from their value, and options left out.
import { isNot, type Not, ValueError } from './codec.ts';

/** An options object while it is read from bytes. */
export type Reading<O> = { -readonly [K in keyof O]: O[K] };

/** The value, inverted or not. */
export function bare<T>(option: Not<T>): T {
  return (isNot(option) ? option.not : option) as T;
}

export function withNot<T>(value: T, inverted: boolean): Not<T> {
  return inverted ? { not: value } : value;
}

/** `options` without those of `keys` that say nothing. */
export function without<O extends object>(options: O, ...keys: readonly (keyof O)[]): O {
  const out = { ...options };
  for (const key of keys) delete out[key];
  return out;
}

/** `bits`, refused where one is set that no option says: what was read would print as another rule. */
export function onlyBits(bits: number, known: number, what: string): number {
  if ((bits & ~known) !== 0) throw new ValueError(`no option says ${what} 0x${bits.toString(16)}`);
  return bits;
}
