// Paths in errors are in the user's words, also where the kernel's attributes nest otherwise.
import { EncodeError } from '../../wire/errors.ts';

/** What a path in the message begins with, and what that is called in the input. The first that fits counts. */
export type Renames = readonly (readonly [wire: string, words: string])[];

export function userPath(renames: Renames, path: string): string {
  const found = renames.find(([wire]) => path.startsWith(wire));
  return found === undefined ? path : found[1] + path.slice(found[0].length);
}

/** Runs what encodes, and renames the path of its EncodeError. */
export function inWords(renames: Renames, encode: () => void): void {
  try {
    encode();
  } catch (err) {
    throw err instanceof EncodeError ? new EncodeError(userPath(renames, err.path), err.reason) : err;
  }
}
