// The tables of sets and elements: what is written is read back, whatever the values.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { elementsCase, setCase } from '../../support/set-cases.ts';
import { encoded, type ObjectCase } from '../../support/wire-cases.ts';

roundtrip('a set', setCase);
roundtrip('elements', elementsCase);

function roundtrip<T extends object>(name: string, o: ObjectCase<T>): void {
  test(`${name}: written, read and written again`, () => {
    const check = (value: T): void => {
      const bytes = encoded(o.table, value);
      const read = o.table.decode(bytes, 0, bytes.length) as T;
      assert.deepEqual(encoded(o.table, read), bytes);
      assert.deepEqual(read, value);
    };
    for (const value of o.picked) check(value);
    fc.assert(fc.property(o.any, check), { numRuns: 300, seed: 5 });
  });
}

test('unknown attributes of sets and elements come back where they were', () => {
  const unknown = [{ index: 1, type: 200, data: Uint8Array.of(1, 2, 3) }];
  for (const [table, value] of [
    [setCase.table, { table: 't', name: 's', unknown }],
    [elementsCase.table, { table: 't', set: 's', elements: [{ key: Uint8Array.of(1), userdata: Uint8Array.of(9), unknown }] }],
  ] as const) {
    const bytes = encoded(table as typeof setCase.table, value as never);
    assert.deepEqual(table.decode(bytes, 0, bytes.length), value);
  }
});
