// Expressions inside expressions: dynset holds stateful ones, inner a payload or meta, and those hold none. What stands there
// otherwise, however deep, is kept as bytes one level down.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyExpression } from '../../../lib/nftables/expressions/expression.ts';
import { ruleTable } from '../../../lib/nftables/objects/rule.ts';
import { DecodeError, EncodeError } from '../../../lib/wire/errors.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';
import { encoded, encodeExpression } from '../../support/wire-cases.ts';

const NESTED = 0x8000;
const LIST_ELEM = 1;
const EXPR_NAME = 1;
const EXPR_DATA = 2;

function attribute(type: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const w = new AttributeWriter(64);
  w.raw(type, Buffer.concat(parts));
  return w.written().slice();
}
const named = (name: string, ...data: readonly Uint8Array[]): readonly Uint8Array[] => [
  attribute(EXPR_NAME, Buffer.from(`${name}\0`)),
  attribute(EXPR_DATA | NESTED, ...data),
];
/** NFTA_DYNSET_SREG_KEY, _OP, _SET_NAME, and `inside` as NFTA_DYNSET_EXPR. */
const dynsetWith = (inside: readonly Uint8Array[]): readonly Uint8Array[] =>
  named(
    'dynset',
    attribute(4, Uint8Array.of(0, 0, 0, 1)),
    attribute(3, new Uint8Array(4)),
    attribute(1, Buffer.from('s\0')),
    attribute(7 | NESTED, ...inside),
  );
const ruleWith = (element: readonly Uint8Array[]): Uint8Array => attribute(4 | NESTED, attribute(LIST_ELEM | NESTED, ...element));

function read(bytes: Uint8Array): AnyExpression {
  const e = ruleTable.decode(bytes, 0, bytes.length)?.expressions?.[0];
  assert.ok(e !== undefined);
  assert.equal(Buffer.compare(encoded(ruleTable, { expressions: [e] }), bytes), 0, 'and written again as the same bytes');
  return e;
}

test('an expression that dynset cannot hold is unknown there, and goes back as it came', () => {
  const e = read(ruleWith(dynsetWith(named('meta', attribute(2, new Uint8Array(4)), attribute(1, Uint8Array.of(0, 0, 0, 1))))));
  assert.equal(e.type, 'dynset');
  assert.equal((e['expr'] as AnyExpression).type, 'unknown');
  assert.equal((e['expr'] as AnyExpression)['name'], 'meta');
});

test('dynsets in dynsets, as many as an attribute can hold, are read one level deep', () => {
  let inside: readonly Uint8Array[] = named('counter');
  let levels = 0;
  while (Buffer.concat([...inside]).length < 65_000) {
    inside = dynsetWith(inside);
    levels++;
  }
  assert.ok(levels > 500, `${levels} levels`);
  const e = read(ruleWith(inside));
  assert.equal(e.type, 'dynset');
  assert.equal((e['expr'] as AnyExpression).type, 'unknown');
});

test('what a nest cannot hold is refused with its path', () => {
  const refused = (e: AnyExpression, path: string, reason: RegExp): void => {
    assert.throws(
      () => encodeExpression(e),
      (err: unknown) => {
        assert.ok(err instanceof EncodeError, String(err));
        assert.equal(err.path, path);
        assert.match(err.reason, reason);
        return true;
      },
    );
  };
  const dynset = { type: 'dynset', sregKey: 1, op: 'add', set: 's' };
  refused({ ...dynset, expr: dynset }, 'expressions[0].expr.type', /no expression is named "dynset", known are connlimit, counter, last/);
  refused({ ...dynset, expressions: [{ type: 'quota' }] }, 'expressions[0].expressions[0].bytes', /is missing/);
  const inner = { type: 'inner', num: 0, kind: 'vxlan', flags: [], hdrsize: 8 };
  refused({ ...inner, expr: { type: 'counter', bytes: 0n, packets: 0n } }, 'expressions[0].expr.type', /known are meta, payload/);
  refused({ ...inner, expr: { type: 'meta', key: 'nonsense' } }, 'expressions[0].expr.key', /unknown word/);
});

test('notrack has a name and nothing else', () => {
  const name = attribute(EXPR_NAME, Buffer.from('notrack\0'));
  const bare = ruleWith([name]);
  assert.deepEqual({ ...read(bare) }, { type: 'notrack' });
  assert.equal(Buffer.compare(encodeExpression({ type: 'notrack' }), bare), 0);
  // What other writers send for it goes back as it came.
  for (const data of [attribute(EXPR_DATA), attribute(EXPR_DATA | NESTED)]) assert.equal(read(ruleWith([name, data])).type, 'unknown');
  const future = read(ruleWith([name, attribute(EXPR_DATA | NESTED, attribute(1, new Uint8Array(4)))]));
  assert.equal(future.type, 'notrack');
  assert.deepEqual(future['unknown'], [{ index: 0, type: 1, data: new Uint8Array(4) }]);
  const broken = ruleWith([name, attribute(EXPR_DATA | NESTED, Uint8Array.of(9, 0, 1, 0))]);
  assert.throws(() => ruleTable.decode(broken, 0, broken.length), DecodeError);
});
