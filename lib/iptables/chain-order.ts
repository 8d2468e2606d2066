// The order in which the save commands print user chains.
import { encodeText } from '../wire/text.ts';

/** strcmp(3). */
export function byBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const [x, y] = [a.charCodeAt(i), b.charCodeAt(i)];
    // UTF-16 has another order than UTF-8 beyond ASCII only.
    if (x !== y) return x < 0x80 || y < 0x80 ? x - y : Buffer.compare(encodeText(a), encodeText(b));
  }
  return a.length - b.length;
}
