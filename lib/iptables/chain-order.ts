// The order in which the save commands print user chains.
import { encodeText } from '../wire/text.ts';

/** strcmp(3). */
export function byBytes(a: string, b: string): number {
  return Buffer.compare(encodeText(a), encodeText(b));
}
