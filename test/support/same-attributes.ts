// Comparing what nflink writes with what the kernel dumps, attribute by attribute.
import assert from 'node:assert/strict';
import { align4, attributeLength, attributeType, u16 } from '../../lib/wire/attributes.ts';

interface Attribute {
  readonly id: number;
  readonly nested: boolean;
  readonly start: number;
  readonly end: number;
}
/** In the order of their numbers; those of one number, as a list's, in their own. */
function attributesOf(bytes: Uint8Array, start: number, end: number): Attribute[] {
  const out: Attribute[] = [];
  for (let at = start; at < end; at += align4(attributeLength(bytes, at, end))) {
    const stop = at + attributeLength(bytes, at, end);
    out.push({ id: attributeType(bytes, at), nested: (u16(bytes, at + 2) & 0x8000) !== 0, start: at + 4, end: stop });
  }
  return out.sort((a, b) => a.id - b.id);
}
/**
 * The same attributes with the same payloads: but for NLA_F_NESTED, which nflink sets and the kernel doesn't, and for
 * their order, which is libnftnl's in what nflink writes.
 */
export function assertSameAttributes(ours: Uint8Array, kernels: Uint8Array, what: string): void {
  const compare = (a: Attribute, b: Attribute): void => {
    assert.equal(a.id, b.id, what);
    if (!a.nested) {
      assert.deepEqual(ours.subarray(a.start, a.end), kernels.subarray(b.start, b.end), `${what}: attribute ${a.id}`);
      return;
    }
    const inside = [attributesOf(ours, a.start, a.end), attributesOf(kernels, b.start, b.end)] as const;
    assert.equal(inside[0].length, inside[1].length, `${what}: attributes in ${a.id}`);
    for (const [i, inner] of inside[0].entries()) compare(inner, inside[1][i] as Attribute);
  };
  const all = { id: 0, nested: true, start: 0 };
  compare({ ...all, end: ours.length }, { ...all, end: kernels.length });
}
