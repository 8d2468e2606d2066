// Showing sets: whatever a kernel, or another program's userdata, may hold, it is shown and never thrown at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ElementAttributes } from '../../../lib/nftables/objects/element.ts';
import type { SetAttributes } from '../../../lib/nftables/objects/set.ts';
import { dataKindNamed } from '../../../lib/nftables/sets/field.ts';
import { setModel } from '../../../lib/nftables/sets/model.ts';
import { setUserdata } from '../../../lib/nftables/sets/userdata.ts';
import { jsonSafe } from '../../../lib/wire/json.ts';
import { elementsCase, setCase } from '../../support/set-cases.ts';

const keyTypes = fc.oneof(fc.nat(63), fc.nat(0xfff), fc.nat(0xffffffff));
const lengths = fc.oneof(fc.constantFrom(0, 1, 2, 4, 6, 8, 16), fc.nat(80));

test('any attributes make a model', () => {
  const list = fc.array(elementsCase.any, { maxLength: 4 }).map((lists) => lists.flatMap((l) => l.elements ?? []));
  fc.assert(
    fc.property(setCase.any, keyTypes, lengths, keyTypes, lengths, list, (set, keyType, keyLen, dataType, dataLen, elements) => {
      for (const a of [set, { ...set, keyType, keyLen, dataType, dataLen }])
        assert.ok(JSON.stringify(jsonSafe(setModel('ip', a, elements))));
    }),
    { numRuns: 3000, seed: 9 },
  );
});

test('userdata cut short, or with a byte changed, makes a model too', () => {
  const userdata = setUserdata({
    key: dataKindNamed('ipv4_addr . mark', 'type'),
    data: dataKindNamed('mark', 'map'),
    dataInterval: true,
    autoMerge: true,
    comment: 'x',
  });
  const elements: ElementAttributes[] = [{ key: new Uint8Array(8), data: new Uint8Array(8), userdata: Uint8Array.of(0, 2, 120, 0) }];
  const base: SetAttributes = { table: 't', name: 's', flags: ['map'], keyType: 0x1d3, keyLen: 8, dataType: 19, dataLen: 8 };
  for (let i = 0; i <= userdata.length; i++) {
    assert.equal(setModel('ip', { ...base, userdata: userdata.slice(0, i) }, elements).name, 's');
    for (const byte of [0, 1, 0x7f, 0xff]) {
      const changed = userdata.slice();
      changed[i] = byte;
      assert.equal(setModel('ip', { ...base, userdata: changed }, elements).name, 's');
    }
  }
});

test('bytes of another length than the type has are shown as bytes', () => {
  const shown = setModel('ip', { name: 's', keyType: 0x1cd, keyLen: 8 }, [{ key: Uint8Array.of(1, 2, 3) }]);
  assert.deepEqual(shown.elem, [Uint8Array.of(1, 2, 3)]);
});

test('a set of a type without a name is shown by its number', () => {
  const shown = setModel('ip', { name: 's', keyType: 63, keyLen: 2 }, [{ key: Uint8Array.of(1, 0) }]);
  assert.deepEqual([shown.type, shown.elem], ['63', [1]]);
});
