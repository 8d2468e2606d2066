// The words and properties of a table, taken from the table itself: its refusal of a word that does not exist names all that
// do. So a word or an attribute added to a table is tested without anybody thinking of it.
import { EncodeError } from '../../lib/wire/errors.ts';

export interface Words {
  /** `words`: one of them; `flags`: a list of them. */
  readonly kind: 'words' | 'flags';
  readonly words: readonly string[];
}
type Encode = (value: Readonly<Record<string, unknown>>) => unknown;
const NONSENSE = 'no such word';

/** Undefined where `key` takes no words. `example` is an object that `encode` takes. */
export function wordsOf(encode: Encode, example: Readonly<Record<string, unknown>>, key: string): Words | undefined {
  const word = refusal(encode, { ...example, [key]: NONSENSE }, /unknown word "no such word", one of (.*)$/);
  if (word !== undefined) return { kind: 'words', words: word };
  const flag = refusal(encode, { ...example, [key]: [NONSENSE] }, /unknown flag "no such word", of (.*)$/);
  return flag && { kind: 'flags', words: flag };
}

/** All properties that a table takes, but for `type` and `unknown`. */
export function propertiesOf(encode: Encode, example: Readonly<Record<string, unknown>>): readonly string[] {
  const names = refusal(encode, { ...example, [NONSENSE]: 1 }, /unknown property, one of (.*)$/);
  if (names === undefined) throw new Error('a table took a property that does not exist');
  return names.filter((name) => name !== 'type' && name !== 'unknown');
}

function refusal(encode: Encode, value: Readonly<Record<string, unknown>>, pattern: RegExp): readonly string[] | undefined {
  try {
    encode(value);
  } catch (err) {
    if (!(err instanceof EncodeError)) throw err;
    return pattern.exec(err.reason)?.[1]?.split(', ');
  }
  return undefined;
}
