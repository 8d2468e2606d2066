// Interval arithmetic against sets of numbers of one byte, where every number can be looked at.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import * as i from '../../../lib/nftables/sets/intervals.ts';

const RUNS = { numRuns: 2000, seed: 7 };
const one = (n: number): Uint8Array => Uint8Array.of(n);
const interval = fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]): i.Interval => ({ low: one(Math.min(a, b)), high: one(Math.max(a, b)) }));
const near = fc.tuple(fc.nat(255), fc.nat(12)).map(([a, n]): i.Interval => ({ low: one(a), high: one(Math.min(255, a + n)) }));
const list = fc.oneof(fc.array(near, { maxLength: 24 }), fc.array(interval, { maxLength: 6 }));

const numbers = (list: readonly i.Interval[]): Set<number> => {
  const out = new Set<number>();
  for (const { low, high } of list) for (let n = low[0] as number; n <= (high[0] as number); n++) out.add(n);
  return out;
};
const show = (list: readonly i.Interval[]): string => list.map(({ low, high }) => `${low[0]}-${high[0]}`).join(' ');
const sum = (list: readonly i.Interval[]): number => list.reduce((n, { low, high }) => n + (high[0] as number) - (low[0] as number) + 1, 0);

test('merged intervals hold the same numbers, once, sorted, with a gap between any two', () => {
  fc.assert(
    fc.property(list, (given) => {
      const merged = i.merged(i.sorted(given));
      assert.deepEqual([...numbers(merged)].sort(), [...numbers(given)].sort());
      assert.equal(sum(merged), numbers(given).size, show(merged));
      for (let k = 1; k < merged.length; k++)
        assert.ok((merged[k]?.low[0] as number) > (merged[k - 1]?.high[0] as number) + 1, show(merged));
    }),
    RUNS,
  );
});

test('an overlap is found exactly where two different intervals share a number', () => {
  fc.assert(
    fc.property(list, (given) => {
      const once = given.filter((a, k) => given.findIndex((b) => show([a]) === show([b])) === k);
      const shares = sum(once) !== numbers(once).size;
      const found = i.overlap(i.sorted(given));
      assert.equal(found !== undefined, shares, show(given));
      if (found !== undefined)
        assert.ok(sum([found.first, found.second]) !== numbers([found.first, found.second]).size, show([found.first, found.second]));
    }),
    RUNS,
  );
});

test('what is cut out is gone, and nothing else, and what is left in part says beside which cut', () => {
  fc.assert(
    fc.property(list, list, (given, cut) => {
      const merged = i.merged(i.sorted(given));
      const cuts = i.merged(i.sorted(cut));
      const pieces: i.Interval[] = [];
      const left = i.without(merged, cuts, (_, piece, beside) => {
        const [low, high] = [piece.low[0] as number, piece.high[0] as number];
        assert.ok(
          (beside.high[0] as number) + 1 === low || (beside.low[0] as number) - 1 === high,
          `${show([piece])} by ${show([beside])}`,
        );
        pieces.push(piece);
        return piece;
      });
      const gone = numbers(cuts);
      assert.deepEqual([...numbers(left)].sort(), [...numbers(given)].filter((n) => !gone.has(n)).sort());
      assert.equal(sum(left), numbers(left).size);
      assert.equal(show(left), show(i.without(merged, cuts)));
      for (const one of left) assert.ok(pieces.includes(one) !== merged.includes(one), 'what no cut touches stays what it was');
    }),
    RUNS,
  );
});

test('a range is covered where each of its numbers is in the list, also across ranges side by side', () => {
  fc.assert(
    fc.property(list, interval, fc.boolean(), (given, wanted, split) => {
      const merged = i.merged(i.sorted(given));
      const parts = split ? merged.flatMap((r) => [...numbers([r])].map((n) => ({ low: one(n), high: one(n) }))) : merged;
      const has = numbers(given);
      assert.equal(
        i.covered(parts, wanted),
        [...numbers([wanted])].every((n) => has.has(n)),
      );
    }),
    RUNS,
  );
});

test('ranges that share a number with one before them', () => {
  fc.assert(
    fc.property(list, (given) => {
      const ranges = i.sorted(given);
      const shares = (a: i.Interval, b: i.Interval): boolean => i.compareBytes(a.low, b.high) <= 0 && i.compareBytes(b.low, a.high) <= 0;
      const found = i.overlapping(ranges);
      assert.deepEqual(
        found.map(({ second }) => second),
        ranges.filter((r, k) => ranges.slice(0, k).some((before) => shares(before, r))),
      );
      for (const { first, second } of found) assert.ok(shares(first, second), show([first, second]));
    }),
    RUNS,
  );
});

test('prefixes are ranges and come back as prefixes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 16 }), fc.nat(128), (address, n) => {
      const bits = n % (address.length * 8 + 1);
      const range = i.prefixRange(address, bits);
      assert.equal(i.prefixLength(range), bits);
      assert.ok(i.compareBytes(range.low, address) <= 0 && i.compareBytes(address, range.high) <= 0);
      const size = toNumber(range.high) - toNumber(range.low) + 1n;
      assert.equal(size, 1n << BigInt(address.length * 8 - bits));
    }),
    RUNS,
  );
  assert.equal(i.prefixLength({ low: one(1), high: one(2) }), undefined);
  assert.equal(i.prefixLength({ low: one(0), high: one(254) }), undefined);
});

test('the next number and the one before', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 6 }), (bytes) => {
      const [next, before] = [i.successor(bytes), i.predecessor(bytes)];
      const n = toNumber(bytes);
      assert.equal(next === undefined ? 1n << BigInt(bytes.length * 8) : toNumber(next), n + 1n);
      assert.equal(before === undefined ? -1n : toNumber(before), n - 1n);
    }),
    RUNS,
  );
});

function toNumber(bytes: Uint8Array): bigint {
  return bytes.reduce((n, b) => (n << 8n) | BigInt(b), 0n);
}
