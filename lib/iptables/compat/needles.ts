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

/** Whether all needles stand in `haystack`. */
export function holdsAll(haystack: Uint8Array, needles: readonly Buffer[]): boolean {
  const buffer = Buffer.from(haystack.buffer, haystack.byteOffset, haystack.byteLength);
  return needles.every((needle) => buffer.includes(needle));
}
