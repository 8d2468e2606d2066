// The order in which the save commands print chains.
import { encodeText } from '../wire/text.ts';
import { builtinChains } from './builtin.ts';

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

/** The order in which the save commands print a table's chains: builtin ones by hook, then user chains by the bytes of their names. */
export function bySaveOrder(table: string): (a: Ordered, b: Ordered) => number {
  const order = new Map((builtinChains(table) ?? []).map((c, i) => [c.name, i]));
  const rank = (c: Ordered): number => (c.hook === undefined ? order.size + 1 : (order.get(c.name) ?? order.size));
  return (a, b) => rank(a) - rank(b) || byBytes(a.name, b.name);
}
interface Ordered {
  readonly name: string;
  readonly hook?: string;
}
