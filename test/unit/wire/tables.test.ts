// The table engine over every table there is: what is written can be read and written again as the same bytes, and what a
// table does not know keeps its place and its bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AnyExpression } from '../../../lib/nftables/expressions/expression.ts';
import { expressionTables, tablesWithout } from '../../../lib/nftables/expressions/index.ts';
import { objectTable } from '../../../lib/nftables/objects/object.ts';
import { type RuleAttributes, ruleTable, ruleTableOf } from '../../../lib/nftables/objects/rule.ts';
import { setTable } from '../../../lib/nftables/objects/set.ts';
import type { AttributeTable } from '../../../lib/wire/table.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';
import { encoded, encodeExpression, expressionCase, expressionCaseNames, type ObjectCase, objectCases } from '../../support/wire-cases.ts';

const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function decoded<T extends object>(table: AttributeTable<T>, bytes: Uint8Array): T {
  const object = table.decode(bytes, 0, bytes.length);
  assert.ok(object !== undefined, `not read: ${hex(bytes)}`);
  return object;
}
/** Reads bytes that begin anywhere, as in a dump. */
function decodedInside<T extends object>(table: AttributeTable<T>, bytes: Uint8Array): T | undefined {
  const around = new Uint8Array(bytes.length + 24).fill(0xee);
  around.set(bytes, 8);
  return table.decode(around, 8, 8 + bytes.length);
}

for (const name of expressionTables.names) {
  test(`expression ${name}: written, read, written again`, () => {
    const { picked, any } = expressionCase(name);
    const check = (e: AnyExpression): void => {
      const bytes = encodeExpression(e);
      const rule = decoded(ruleTable, bytes);
      assert.deepEqual(rule, decodedInside(ruleTable, bytes));
      const back = rule.expressions?.[0] as AnyExpression;
      assert.equal(back.type, name, 'its own table reads it');
      assert.deepEqual({ ...back }, { ...e });
      assert.equal(hex(encodeExpression(back)), hex(bytes));
    };
    for (const e of picked) check(e);
    fc.assert(fc.property(any, check), { numRuns: 200 });
  });
}

function objectTest<T extends object>(name: string, { table, picked, any }: ObjectCase<T>): void {
  test(`object ${name}: written, read, written again`, () => {
    const check = (object: T): void => {
      const bytes = encoded(table, object);
      const back = decoded(table, bytes);
      assert.deepEqual(structuredClone(back), structuredClone(object));
      assert.equal(hex(encoded(table, back)), hex(bytes));
    };
    for (const object of picked) check(object);
    fc.assert(fc.property(any, check), { numRuns: 200 });
  });
}
objectTest('table', objectCases.table);
objectTest('chain', objectCases.chain);
objectTest('rule', objectCases.rule);

test('every expression table has a case', () => {
  assert.deepEqual([...expressionCaseNames].sort(), [...expressionTables.names].sort());
});

// Attributes of an object that no table names, between those that it does.
const foreign = fc.record({
  at: fc.nat({ max: 12 }),
  // Numbers no table has, with and without the flag bits.
  type: fc.integer({ min: 100, max: 0x3fff }).chain((id) => fc.constantFrom(id, id | 0x8000, id | 0x4000)),
  data: fc.uint8Array({ maxLength: 40 }),
});

/** Splits a list of attributes into the attributes with their padding. */
function split(bytes: Uint8Array): Uint8Array[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + ((view.getUint16(at, true) + 3) & ~3);
    out.push(bytes.subarray(at, end));
    at = end;
  }
  return out;
}
function attribute(type: number, data: Uint8Array): Uint8Array {
  const w = new AttributeWriter(8);
  w.raw(type, data);
  return w.written().slice();
}

function mixed<T extends object>(o: ObjectCase<T>): void {
  fc.assert(
    fc.property(o.any, fc.array(foreign, { minLength: 1, maxLength: 5 }), (object, strangers) => {
      const parts = split(encoded(o.table, object));
      for (const s of strangers) parts.splice(Math.min(s.at, parts.length), 0, attribute(s.type, s.data));
      const bytes = joined(...parts);
      const back = decoded(o.table, bytes) as T & { unknown?: readonly unknown[] };
      assert.equal(back.unknown?.length, strangers.length);
      assert.equal(hex(encoded(o.table, back)), hex(bytes));
    }),
    { numRuns: 300 },
  );
}
test('attributes without a table keep their place, their flag bits and their bytes', () => {
  mixed(objectCases.table);
  mixed(objectCases.chain);
  mixed(objectCases.rule);
});

test('in an expression too', () => {
  for (const name of expressionTables.names) {
    const bytes = encodeExpression(expressionCase(name).example);
    const rule = decoded(ruleTable, bytes);
    const e = rule.expressions?.[0] as AnyExpression;
    const strange = { ...e, unknown: [{ index: 0, type: 0x8000 | 900, data: Uint8Array.of(1, 2, 3) }] } as AnyExpression;
    const with900 = encodeExpression(strange);
    const back = decoded(ruleTable, with900).expressions?.[0] as AnyExpression;
    assert.deepEqual({ ...back }, strange, name);
    assert.equal(hex(encodeExpression(back)), hex(with900));
  }
});

test('a known attribute of a wrong size is kept raw, and the others are read', () => {
  for (const [type, size] of [
    [2, 3],
    [2, 5],
    [2, 0],
    [4, 7],
    [4, 12],
  ] as const) {
    const bytes = joined(attribute(1, Buffer.from('t\0')), attribute(type, new Uint8Array(size).fill(7)), attribute(6, Uint8Array.of(1)));
    const table = decoded(objectCases.table.table, bytes);
    assert.deepEqual(table, {
      name: 't',
      userdata: Uint8Array.of(1),
      unknown: [{ index: 1, type, data: new Uint8Array(size).fill(7) }],
    });
    assert.equal(hex(encoded(objectCases.table.table, table)), hex(bytes));
  }
});

test('a string without its NUL, or with one inside, is kept raw', () => {
  for (const payload of ['filter', 'fil\0ter\0', '', '\0\0']) {
    const bytes = attribute(1, Buffer.from(payload));
    const table = decoded(objectCases.table.table, bytes);
    assert.equal(table.name, undefined, JSON.stringify(payload));
    assert.equal(hex(encoded(objectCases.table.table, table)), hex(bytes));
  }
});

test('an attribute that stands twice leaves the object raw', () => {
  const twice = joined(attribute(1, Buffer.from('a\0')), attribute(1, Buffer.from('b\0')));
  assert.equal(objectCases.table.table.decode(twice, 0, twice.length), undefined);
  // One of the two with a wrong size is one all the same, wherever it stands.
  for (const sizes of [
    [4, 3],
    [3, 4],
  ]) {
    const odd = joined(...sizes.map((size) => attribute(2, new Uint8Array(size))));
    assert.equal(objectCases.table.table.decode(odd, 0, odd.length), undefined, `sizes ${sizes}`);
  }

  // In an expression: the whole expression is unknown, and goes back as it came.
  const counter = split(split(encodeExpression({ type: 'counter', bytes: 1n, packets: 2n }))[0] as Uint8Array);
  assert.equal(counter.length, 1);
  const bytes8 = attribute(1, new Uint8Array(8));
  const data = attribute(0x8002, joined(bytes8, bytes8, attribute(2, new Uint8Array(8))));
  const element = attribute(0x8001, joined(attribute(1, Buffer.from('counter\0')), data));
  const rule = attribute(0x8004, element);
  const back = decoded(ruleTable, rule);
  assert.equal(back.expressions?.[0]?.type, 'unknown');
  assert.equal(hex(encoded(ruleTable, back)), hex(rule));
});

test('an expression without a required attribute is unknown, and goes back as it came', () => {
  const data = attribute(0x8002, attribute(1, new Uint8Array(4)));
  const element = attribute(0x8001, joined(attribute(1, Buffer.from('cmp\0')), data));
  const rule = attribute(0x8004, element);
  const back = decoded(ruleTable, rule);
  assert.deepEqual(back.expressions, [{ type: 'unknown', name: 'cmp', data: attribute(1, new Uint8Array(4)), nested: true }]);
  assert.equal(hex(encoded(ruleTable, back)), hex(rule));
});

test('a nested attribute that its own table cannot read is kept raw', () => {
  const hook = attribute(0x8004, joined(attribute(1, new Uint8Array(4)), attribute(1, new Uint8Array(4))));
  const back = decoded(objectCases.chain.table, hook);
  assert.equal(back.hook, undefined);
  assert.equal(hex(encoded(objectCases.chain.table, back)), hex(hook));
});

test('a table that is hidden, each in turn: rules go back byte for byte', () => {
  for (const hidden of expressionTables.names) {
    const fewer = ruleTableOf(tablesWithout(hidden));
    fc.assert(
      fc.property(objectCases.rule.any, expressionCase(hidden).any, (rule, e) => {
        const full: RuleAttributes = { ...rule, expressions: [...(rule.expressions ?? []), e] };
        const bytes = encoded(ruleTable, full);
        const seen = decoded(fewer, bytes);
        const last = seen.expressions?.at(-1);
        assert.equal(last?.type, 'unknown');
        assert.equal(last?.['name'], hidden);
        assert.equal(hex(encoded(fewer, seen)), hex(bytes));
        // And the full set of tables writes what the smaller one read.
        assert.equal(hex(encoded(ruleTable, seen)), hex(bytes));
      }),
      { numRuns: 50 },
    );
  }
});

test('numbers without a word and bits without a flag survive', () => {
  const meta = decoded(ruleTable, encodeExpression({ type: 'meta', key: 4_000_000_000, dreg: 1 })).expressions?.[0];
  assert.equal(meta?.['key'], 4_000_000_000);
  const table = decoded(objectCases.table.table, encoded(objectCases.table.table, { flags: [0x80000000, 'dormant', 0x40] }));
  assert.deepEqual(table.flags, ['dormant', 0x80000040]);
});

test('the tables that are only read take the kernel words of their objects', () => {
  const set = encoded(setTable, { table: 't', name: 's', flags: ['interval', 'map'], keyType: 7, timeout: 1n, userdata: Uint8Array.of(1) });
  assert.equal(hex(encoded(setTable, decoded(setTable, set))), hex(set));
  const object = encoded(objectTable, { table: 't', name: 'o', kind: 'quota', handle: 9n });
  assert.equal(hex(encoded(objectTable, decoded(objectTable, object))), hex(object));
});
