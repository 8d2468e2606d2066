// Bytes nobody meant to send: cut short, changed, lengthened. Reading them ends with an object, with "kept raw", or with a
// DecodeError; and what was read is written again as the very bytes, but for padding, the flag bits of known attributes, and their order (the table's).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readMessage } from '../../../lib/wire/attributes.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';
import type { AttributeTable } from '../../../lib/wire/table.ts';
import { encoded, objectCases } from '../../support/wire-cases.ts';

const MUTANTS = 20_000;

interface Mutation {
  readonly at: number;
  readonly kind: 'byte' | 'length' | 'cut' | 'repeat';
  readonly value: number;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  at: fc.nat({ max: 0xffff }),
  kind: fc.constantFrom('byte', 'length', 'cut', 'repeat'),
  value: fc.nat({ max: 0xffff }),
});

function mutate(bytes: Uint8Array, m: Mutation): Uint8Array {
  if (bytes.length < 4) return bytes;
  const at = m.at % bytes.length;
  const out = bytes.slice();
  switch (m.kind) {
    case 'byte':
      out[at] = m.value;
      return out;
    case 'length':
      // At a place where an attribute may begin.
      new DataView(out.buffer).setUint16(Math.min(at & ~3, out.length - 4), m.value % 64, true);
      return out;
    case 'cut':
      return out.subarray(0, at);
    case 'repeat':
      return Buffer.concat([out, out.subarray(at & ~3)]);
    default:
      return m.kind satisfies never;
  }
}

/** Framing and payloads without padding and without the flag bits NLA_F_NESTED and NLA_F_NET_BYTEORDER, by type. */
function bare(bytes: Uint8Array): string {
  const out: { readonly type: number; readonly text: string }[] = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    if (length < 4 || at + length > bytes.length) return `!${Buffer.from(bytes).toString('hex')}`;
    const type = (bytes[at + 2] as number) | (((bytes[at + 3] as number) & 0x3f) << 8);
    const payload = bytes.subarray(at + 4, at + length);
    out.push({ type, text: `${type}:${looksNested(payload) ? `[${bare(payload)}]` : Buffer.from(payload).toString('hex')}` });
    at += (length + 3) & ~3;
  }
  // Stable: several of one type, as the expressions of a rule, keep their order.
  return out
    .sort((a, b) => a.type - b.type)
    .map((a) => a.text)
    .join(' ');
}
function looksNested(bytes: Uint8Array): boolean {
  let at = 0;
  while (at + 4 <= bytes.length) {
    const length = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    if (length < 4 || at + length > bytes.length) return false;
    at += (length + 3) & ~3;
  }
  return at > 0 && at >= bytes.length;
}

function mutants<T extends object>(table: AttributeTable<T>, any: fc.Arbitrary<T>, runs: number): Record<string, number> {
  const seen = { read: 0, raw: 0, error: 0 };
  fc.assert(
    fc.property(any, fc.array(mutation, { minLength: 1, maxLength: 4 }), (object, mutations) => {
      const bytes = mutations.reduce(mutate, encoded(table, object));
      let back: T | undefined;
      try {
        back = table.decode(bytes, 0, bytes.length);
      } catch (err) {
        if (!(err instanceof DecodeError)) throw err;
        seen.error++;
        return;
      }
      if (back === undefined) {
        seen.raw++;
        return;
      }
      seen.read++;
      assert.equal(bare(encoded(table, back)), bare(bytes));
    }),
    { numRuns: runs },
  );
  return seen;
}

for (const [name, o] of Object.entries(objectCases)) {
  test(`${MUTANTS} mutants of ${name}: read and written back, kept raw, or DecodeError`, () => {
    const seen = mutants(o.table as AttributeTable<object>, o.any as fc.Arbitrary<object>, MUTANTS);
    for (const [kind, count] of Object.entries(seen)) assert.ok(count > 100, `only ${count} of ${MUTANTS} ended as ${kind}`);
  });
}

test('every prefix of a message is refused or read, none runs on', () => {
  const bytes = encoded(objectCases.rule.table, objectCases.rule.example);
  let refused = 0;
  for (let length = 0; length < bytes.length; length++) {
    try {
      objectCases.rule.table.decode(bytes, 0, length);
    } catch (err) {
      assert.ok(err instanceof DecodeError, String(err));
      refused++;
    }
  }
  assert.ok(refused > bytes.length / 2);
});

test('an attribute of length 0 ends the reading instead of going round for ever', () => {
  const zero = new Uint8Array(8);
  assert.throws(() => objectCases.table.table.decode(zero, 0, 8), DecodeError);
});

test('message headers: too short, too long, outside', () => {
  const message = new Uint8Array(24);
  const view = new DataView(message.buffer);
  for (const length of [0, 19, 25, 0xffffffff]) {
    view.setUint32(0, length, true);
    assert.throws(() => readMessage(message, 0), DecodeError, `length ${length}`);
  }
  view.setUint32(0, 24, true);
  assert.deepEqual(readMessage(message, 0), { type: 0, family: 0, start: 20, end: 24 });
  for (const at of [-1, 1, 8, 24, 1000]) assert.throws(() => readMessage(message, at), DecodeError, `at ${at}`);
});
