// Named objects and flowtables: written, read, written again; the same through their words and JSON; cut and bent bytes are
// raw data or a DecodeError.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { flowtableTable } from '../../../lib/nftables/objects/flowtable.ts';
import { objectAttributes, objectModel, objectTable } from '../../../lib/nftables/objects/object.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';
import { jsonSafe } from '../../../lib/wire/json.ts';
import { flowtableCase, statefulCase, statefulNames } from '../../support/stateful-cases.ts';
import { encoded, type ObjectCase } from '../../support/wire-cases.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function thereAndBack<T extends object>({ table, picked, any }: ObjectCase<T>): void {
  const check = (o: T): void => {
    const bytes = encoded(table, o);
    const back = table.decode(bytes, 0, bytes.length) as T;
    assert.deepEqual(structuredClone(back), structuredClone(o));
    assert.equal(hex(encoded(table, back)), hex(bytes));
    const revived = table.revive(JSON.parse(JSON.stringify(jsonSafe(back))));
    assert.equal(hex(encoded(table, revived)), hex(bytes), 'through JSON');
  };
  for (const o of picked) check(o);
  fc.assert(fc.property(any, check), { numRuns: 200 });
}

for (const kind of statefulNames) {
  test(`${kind}: written, read, written again`, () => thereAndBack(statefulCase(kind)));

  test(`${kind}: in its words, through JSON`, () => {
    fc.assert(
      fc.property(statefulCase(kind).any, (o) => {
        const { use: _, handle: __, ...wanted } = o;
        // The kernel's own word, which is not written.
        const { depleted: ___, ...model } = objectModel('ip', wanted) as unknown as Readonly<Record<string, unknown>>;
        const back = objectAttributes(kind, JSON.parse(JSON.stringify(jsonSafe(model))) as Readonly<Record<string, unknown>>);
        // Words that say the default may have been added; what was said stays.
        const again = objectModel('ip', back);
        assert.deepEqual({ ...again, ...model }, { ...again });
      }),
      { numRuns: 200 },
    );
  });
}
test('flowtable: written, read, written again', () => thereAndBack(flowtableCase));

test('bent bytes are raw data or a DecodeError', () => {
  for (const [table, picked] of [
    ...statefulNames.map((kind) => [objectTable, statefulCase(kind).example] as const),
    [flowtableTable, flowtableCase.example] as const,
  ]) {
    const bytes = encoded(table as typeof objectTable, picked as never);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.nat({ max: 255 }), fc.nat({ max: bytes.length }), (at, value, end) => {
        const bent = bytes.slice(0, end);
        if (at < end) bent[at] = value;
        try {
          const read = table.decode(bent, 0, bent.length);
          if (read !== undefined) objectModel('ip', read as never);
        } catch (err) {
          assert.ok(err instanceof DecodeError, String(err));
        }
      }),
      { numRuns: 500 },
    );
  }
});
