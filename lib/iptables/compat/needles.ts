// Byte strings that any form of a rule has in its message, whoever wrote it: looking for them first spares decoding the rules
// of a long chain that cannot be the one. Only what stands as it is in every form counts: comments, chain and interface names,
// the whole bytes of address prefixes.
import { encodeText } from '../../wire/text.ts';
import type { XtAddress, XtRule } from '../xt-rule.ts';

/** Those of two bytes and more: a single one is in nearly every message. */
export function needlesOf(rule: XtRule): Buffer[] {
  const out: Uint8Array[] = [];
  for (const a of [rule.source, rule.destination]) if (a !== undefined) out.push(prefixBytes(a));
  for (const i of [rule.inInterface, rule.outInterface]) if (i !== undefined) out.push(encodeText(i.name));
  if (rule.target !== undefined && 'chain' in rule.target) out.push(withNul(encodeText(rule.target.chain)));
  for (const m of rule.matches) {
    // Its one struct holds the text with its NUL; so does a comment in userdata.
    if (m.name === 'comment') out.push(m.data.slice(0, m.data.indexOf(0) + 1));
  }
  return out.filter((needle) => needle.length > 1).map((needle) => Buffer.from(needle));
}

function prefixBytes(a: XtAddress): Uint8Array {
  const end = a.mask.findIndex((byte) => byte !== 0xff);
  return a.address.slice(0, end < 0 ? a.address.length : end);
}

function withNul(name: Uint8Array): Uint8Array {
  const out = new Uint8Array(name.length + 1);
  out.set(name);
  return out;
}

/**
 * The messages, by their number, that hold all needles; undefined: there is no needle, and any may be the one. `starts` are where they begin. The
 * longest needle is looked for in all of them at once: few have it.
 */
export function messagesHolding(bytes: Uint8Array, starts: Uint32Array, needles: readonly Buffer[]): ReadonlySet<number> | undefined {
  const [longest, ...others] = [...needles].sort((a, b) => b.length - a.length);
  if (longest === undefined) return undefined;
  const found = new Set<number>();
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = all.indexOf(longest); at >= 0; ) {
    const number = numberAt(starts, at);
    const end = starts[number + 1] ?? all.length;
    if (at + longest.length <= end && holdsAll(all.subarray(starts[number], end), others)) found.add(number);
    // One that lies across the end is no message's.
    at = all.indexOf(longest, at + longest.length <= end ? end : at + 1);
  }
  return found;
}

/** The last that starts at `at` or before. */
function numberAt(starts: Uint32Array, at: number): number {
  let [low, high] = [0, starts.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((starts[middle] as number) <= at) low = middle;
    else high = middle;
  }
  return low;
}

function holdsAll(haystack: Buffer, needles: readonly Buffer[]): boolean {
  return needles.every((needle) => haystack.includes(needle));
}
