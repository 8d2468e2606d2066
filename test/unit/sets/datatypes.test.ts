// Every data type: what is shown is read as the same bytes again, and what is no value of it is refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Datatype, datatypeNamed, datatypeNamesKnown, datatypeOf, durationMs } from '../../../lib/nftables/sets/datatypes.ts';

const LAST_ID = 46;
const all: readonly Datatype[] = Array.from({ length: LAST_ID + 1 }, (_, id) => datatypeOf(id)).filter(
  (t) => datatypeNamed(t.name) !== undefined,
);
const sizeOf = (t: Datatype): number => (t.size === 0 ? 4 : t.size);

test('a type is found by its number and its name', () => {
  assert.equal(all.length, 45);
  for (const name of datatypeNamesKnown) assert.equal(datatypeOf((datatypeNamed(name) as Datatype).id).name, name);
});

for (const type of all) {
  test(`${type.name} (${type.id}): bytes are shown and read back`, () => {
    const size = sizeOf(type);
    const bytes = type.text
      ? fc.uint8Array({ min: 1, max: 0xff, minLength: 1, maxLength: size - 1 }).map((name) => {
          const out = new Uint8Array(size);
          out.set(name);
          return out;
        })
      : fc.oneof(
          fc.uint8Array({ minLength: size, maxLength: size }),
          fc.nat(255).map((n) => {
            const out = new Uint8Array(size);
            out[size - 1] = n;
            return out;
          }),
        );
    fc.assert(
      fc.property(bytes, (value) => {
        const shown = type.format(value);
        const again = type.parse(shown, size);
        // What a type has no words for comes back as a number or not at all; another value never.
        if (again === undefined) assert.ok(limited.has(type.name), `${String(shown)} is not read`);
        else if (!numbersMeanOther.has(type.name) || typeof shown === 'string') assert.deepEqual(again, value, String(shown));
      }),
      { numRuns: 500, seed: 3 },
    );
  });
}

/** Types whose widest bytes are no value: 6 bits in a byte, and the like. */
const limited = new Set(['dscp', 'ecn', 'dccp_pkttype', 'boolean', 'ct_label', 'time']);
/** A number is another unit than the bytes: seconds for nanoseconds, a bit for a label. */
const numbersMeanOther = new Set(['time', 'ct_label', 'hour']);

const refused: Readonly<Record<string, readonly unknown[]>> = {
  ipv4_addr: ['1.2.3', '1.2.3.256', '1.2.3.4.5', 'host', 16909060, '', null, {}, '1.2.3.4 ', '01.2.3.4'],
  ipv6_addr: ['1.2.3.4', ':::', '::1::', 'fe80::1%lo', 1, '12345::'],
  ether_addr: ['aa:bb:cc:dd:ee', 'aa:bb:cc:dd:ee:ff:00', 'aabbccddeeff', 'gg:00:00:00:00:00'],
  inet_service: [-1, 65536, 1.5, '65536', 'ssh', Number.NaN, true, [], '0x10000', ''],
  mark: [-1, 2 ** 32, '0x100000000', 'x', 1n << 32n],
  inet_proto: [256, 'nonsense', 'TCP'],
  ifname: ['', 'sixteen-letters-', 'a\0b', 7],
  tcp_flag: ['syn|nonsense', 256, ['syn', 'x'], { '|': ['syn', 7.5] }],
  dscp: [64, 'cs8'],
  ecn: [4],
  boolean: [2, 'yes'],
  time: [-1, '5x', '1h1d', '', 'm'],
  hour: ['24:00', '12:60', '1:2', 'noon'],
  classid: ['1:2:3', '10000:1', 'x:y'],
  ct_state: ['NEW'],
  iface_index: ['eth0'],
  uid: ['root'],
};

test('what is no value is refused', () => {
  for (const [name, values] of Object.entries(refused)) {
    const type = datatypeNamed(name) as Datatype;
    for (const value of values) assert.equal(type.parse(value, sizeOf(type)), undefined, `${name} ${String(value)}`);
  }
});

test('durations', () => {
  const cases: readonly (readonly [unknown, bigint | undefined])[] = [
    [5, 5000n],
    [0.25, 250n],
    ['5', 5000n],
    ['1d2h3m4s5ms', 93_784_005n],
    ['90m', 5_400_000n],
    ['7ms', 7n],
    ['1m5ms', 60_005n],
    ['', undefined],
    ['5ms1s', undefined],
    ['1h30', undefined],
    [-1, undefined],
    [Number.POSITIVE_INFINITY, undefined],
    [{}, undefined],
  ];
  for (const [value, ms] of cases) assert.equal(durationMs(value), ms, String(value));
});
