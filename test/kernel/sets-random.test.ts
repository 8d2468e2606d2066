// Sets of random types with random elements: written by nflink, they are read back as they were given, and the real nft
// shows the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ElementInput, SetObject } from '../../lib/index.ts';
import { type Datatype, datatypeNamed } from '../../lib/nftables/sets/datatypes.ts';
import { dataKindNamed, pack } from '../../lib/nftables/sets/field.ts';
import { type Interval, overlap, sorted } from '../../lib/nftables/sets/intervals.ts';
import { shownKey } from '../../lib/nftables/sets/value-shown.ts';
import { NftFixture } from '../support/nft.ts';
import { comparable, listedSets, type ReadSet, readSets } from '../support/set-models.ts';

// Types all of whose bytes are values, and that nft's JSON shows as nflink does.
const TYPES = [
  'ipv4_addr',
  'ipv6_addr',
  'ether_addr',
  'inet_service',
  'mark',
  'uid',
  'ether_type',
  'icmp_type',
  'icmpv6_type',
  'arp_op',
  'devgroup',
  'inet_service',
];
const SETS = 120;
const SEED = 11;

const value = (size: number): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    fc.uint8Array({ minLength: size, maxLength: size }),
    fc.nat(255).map((n) => new Uint8Array(size).fill(n, size - 1)),
    fc.constantFrom(0, 0xff).map((n) => new Uint8Array(size).fill(n)),
  );

interface Drawn {
  readonly types: readonly string[];
  readonly interval: boolean;
  readonly map: boolean;
  readonly keys: readonly (readonly [Uint8Array, Uint8Array])[][];
}
const drawn: fc.Arbitrary<Drawn> = fc.array(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 4 }).chain((types) =>
  fc.record({
    types: fc.constant(types),
    interval: fc.boolean(),
    map: fc.boolean(),
    keys: fc.array(fc.tuple(...types.map((name) => fc.tuple(value(sizeOf(name)), value(sizeOf(name))))), {
      minLength: 1,
      maxLength: 12,
    }) as fc.Arbitrary<(readonly [Uint8Array, Uint8Array])[][]>,
  }),
);
const sizeOf = (name: string): number => (datatypeNamed(name) as Datatype).size;

/** A set object; ranges that would share a key are left out, of concatenations all but the first. */
function setOf(d: Drawn, i: number): ReadSet {
  const kind = dataKindNamed(d.types, 'type');
  const ranges = d.keys.map((fields): Interval => {
    const ends = fields.map(([a, b]) => (Buffer.compare(a, b) <= 0 ? [a, b] : [b, a]) as [Uint8Array, Uint8Array]);
    const low = pack(
      kind,
      ends.map(([a]) => a),
      d.interval,
    );
    return {
      low,
      high: d.interval
        ? pack(
            kind,
            ends.map(([, b]) => b),
            d.interval,
          )
        : low,
    };
  });
  const chosen: Interval[] = [];
  for (const r of ranges) {
    const hex = (x: Interval): string => Buffer.from(x.low).toString('hex');
    if (d.interval && d.types.length > 1 && chosen.length > 0) break;
    if (chosen.some((c) => hex(c) === hex(r)) || (d.interval && overlap(sorted([...chosen, r])) !== undefined)) continue;
    chosen.push(r);
  }
  const elem = chosen.map((range, n) => {
    const key = shownKey(kind, range, d.interval) as ElementInput;
    return d.map ? ([key, n] as const) : key;
  });
  const type = d.types.length === 1 ? (d.types[0] as string) : d.types;
  const set: SetObject = { family: 'inet', table: 't', name: `s${i}`, type, ...(d.interval ? { flags: ['interval'] } : {}), elem };
  return d.map ? { map: { ...set, map: 'mark' } } : { set };
}

test('what was given is read back, and nft shows the same', async () => {
  await using f = await NftFixture.create();
  const given = fc.sample(drawn, { numRuns: SETS, seed: SEED }).map(setOf);
  const tx = f.nft.transaction();
  tx.add({ table: { family: 'inet', name: 't' } });
  for (const set of given) tx.create(set);
  await tx.commit();
  const read = readSets(f.ns.path);
  assert.deepEqual(comparable(read), comparable(listedSets(f.ns)));
  const withoutHandle = (list: readonly unknown[]): unknown[] =>
    comparable(list).map((o) => {
      const [[kind, { handle: _, ...rest }]] = Object.entries(o as object) as [[string, Record<string, unknown>]];
      return { [kind]: rest };
    });
  assert.deepEqual(withoutHandle(read), withoutHandle(given));
});
