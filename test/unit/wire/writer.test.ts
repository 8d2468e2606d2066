// The writer's buffer grows at any place without a byte lost, and text returns as the same bytes whatever they are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attributeLength, attributeType, findAttribute } from '../../../lib/wire/attributes.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';
import { decodeText, encodeText } from '../../../lib/wire/text.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';

const writes: readonly ((w: AttributeWriter) => void)[] = [
  (w) => w.u8(1, 0xab),
  (w) => w.be16(2, 0x1234),
  (w) => w.be32(3, 0x89abcdef),
  (w) => w.host32(4, 0x89abcdef),
  (w) => w.be64(5, 0x0123456789abcdefn),
  (w) => w.raw(6, Uint8Array.of(1, 2, 3)),
  (w) => w.string(7, 'abc'),
  (w) => w.string(8, 'ä\udcff'),
  (w) => w.end(w.begin(9 | 0x8000)),
];

test('golden bytes of each kind of payload', () => {
  const golden = [
    '05000100ab000000',
    '0600020012340000',
    '0800030089abcdef',
    '08000400efcdab89',
    '0c0005000123456789abcdef',
    '0700060001020300',
    '0800070061626300',
    '08000800c3a4ff00',
    '04000980',
  ];
  for (const [i, write] of writes.entries()) {
    const w = new AttributeWriter();
    write(w);
    assert.equal(Buffer.from(w.written()).toString('hex'), golden[i]);
  }
});

test('a buffer that grows at any byte holds the same', () => {
  const whole = new AttributeWriter(1 << 16);
  for (const write of writes) write(whole);
  for (let capacity = 0; capacity <= whole.length; capacity++) {
    const w = new AttributeWriter(capacity);
    for (const write of writes) write(w);
    assert.deepEqual(w.written(), whole.written(), `from ${capacity} bytes`);
  }
});

test('what is rewound and written over leaves no trace in the padding', () => {
  const w = new AttributeWriter(64);
  w.raw(1, new Uint8Array(8).fill(0xff));
  w.rewind(0);
  for (const write of writes) write(w);
  const fresh = new AttributeWriter(64);
  for (const write of writes) write(fresh);
  assert.deepEqual(w.written(), fresh.written());
});

test('any bytes are text and become the same bytes again', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      assert.deepEqual(encodeText(decodeText(bytes, 0, bytes.length)), bytes);
    }),
    { numRuns: 5000 },
  );
  for (const bytes of [
    '80',
    'ff',
    'c3',
    'c3a4',
    'c0af',
    'eda080',
    'edb2ff',
    'f4908080',
    'f09f9880',
    'c3c3a4',
    'efbbbf',
    'e282',
    '61e28261',
  ]) {
    const raw = new Uint8Array(Buffer.from(bytes, 'hex'));
    assert.deepEqual(encodeText(decodeText(raw, 0, raw.length)), raw, bytes);
  }
});

test('UTF-8 is read as what it says', () => {
  const utf8 = new Uint8Array(Buffer.from('\ufeffgrün 😀', 'utf8'));
  assert.equal(decodeText(utf8, 0, utf8.length), '\ufeffgrün 😀');
  const mixed = new Uint8Array(Buffer.from('c3a4ff61', 'hex'));
  assert.equal(decodeText(mixed, 0, 4), 'ä\udcff' + 'a');
});

test('an attribute is found by number whatever its flag bits', () => {
  const w = new AttributeWriter();
  for (const write of writes) write(w);
  const bytes = w.written();
  assert.deepEqual(
    findAttribute(bytes, 0, bytes.length, 9)?.map((n) => n - bytes.length),
    [0, 0],
  );
  assert.equal(findAttribute(bytes, 0, bytes.length, 77), undefined);
  assert.equal(attributeType(bytes, bytes.length - 4), 9);
  assert.equal(attributeLength(bytes, 0, bytes.length), 5);
  assert.throws(() => findAttribute(bytes, 0, bytes.length - 2, 77), DecodeError);
});
