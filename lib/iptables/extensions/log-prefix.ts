// The prefix of LOG and NFLOG.
import { decodeText } from '../../wire/text.ts';
import { type Value, ValueError } from './codec.ts';
import { textBytes } from './values.ts';

/**
 * Text in a field of `size` bytes with its NUL. What is too long loses its end without a word, as with the real tools: prefixes
 * over 29 bytes are common in scripts.
 */
export function logPrefix(size: number, option: string): Value<string> {
  return {
    quote: true,
    parse: ([word]) => {
      const text = cut(word as string, size);
      if (text === '') throw new ValueError('argument must have a minimum length of 1 character');
      if (text.includes('\n')) throw new ValueError(`newlines not allowed in ${option}`);
      if (text.includes('\0')) throw new ValueError('holds a NUL');
      return text;
    },
    format: (text) => [text],
  };
}

/** As much of the text as goes into `size` bytes with its NUL. */
export function cut(text: string, size: number): string {
  const bytes = textBytes(text);
  return bytes.length < size ? text : decodeText(bytes, 0, size - 1);
}
