// Checks of words that are converted before a table sees them.
import { EncodeError } from '../../../wire/errors.ts';
import { show } from '../../../wire/kinds.ts';

export function boolean(key: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new EncodeError(key, `true or false is needed, not ${show(value)}`);
  return value;
}

/** A whole number: a number, a bigint, or decimal text as JSON keeps what a number can't hold. */
export function whole(key: string, value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === 'string' && /^\d+$/.test(value)) return BigInt(value);
  throw new EncodeError(key, `a whole number is needed, not ${show(value)}`);
}

/** The number of a word. */
export function numberOf<T>(key: string, value: unknown, words: Readonly<Record<string, T>>): T {
  const found = typeof value === 'string' && Object.hasOwn(words, value) ? words[value] : undefined;
  if (found === undefined) throw new EncodeError(key, `unknown word ${show(value)}, one of ${Object.keys(words).join(', ')}`);
  return found;
}

export function wordOf<T>(value: T, words: Readonly<Record<string, T>>): string | undefined {
  return Object.keys(words).find((word) => words[word] === value);
}
