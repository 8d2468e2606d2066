// Operations on a set with auto-merge against a set of numbers of one byte: what is written makes of what was there what
// shall be there, and every element says whose it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Entry } from '../../../lib/nftables/sets/entries.ts';
import { type Interval, merged, overlap, sorted } from '../../../lib/nftables/sets/intervals.ts';
import { ElementError, Merging } from '../../../lib/nftables/sets/merging.ts';

const interval = fc
  .tuple(fc.nat(255), fc.nat(9))
  .map(([a, n]): Interval => ({ low: Uint8Array.of(a), high: Uint8Array.of(Math.min(255, a + n)) }));
const list = fc.array(interval, { maxLength: 6 });
const verbs = ['add', 'create', 'delete', 'destroy'] as const;
const operations = fc.array(fc.tuple(fc.constantFrom(...verbs), list), { maxLength: 8 });

const entries = (ranges: readonly Interval[]): Entry[] => ranges.map((r, index) => ({ ...r, rest: {}, index }));
const numbersOf = ({ low, high }: Interval): number[] =>
  Array.from({ length: (high[0] as number) - (low[0] as number) + 1 }, (_, i) => (low[0] as number) + i);
const numbers = (ranges: readonly Interval[]): number[] => [...new Set(ranges.flatMap(numbersOf))].sort((a, b) => a - b);

/** The place in its list of the element that is refused, one after the other; the numbers are changed. */
function apply(has: Set<number>, verb: (typeof verbs)[number], ranges: readonly Interval[]): number {
  if (verb === 'create') {
    const there = ranges.findIndex((r) => numbersOf(r).every((n) => has.has(n)));
    if (there >= 0) return there;
  }
  for (const [i, r] of ranges.entries()) {
    if (verb === 'delete' && !numbersOf(r).every((n) => has.has(n))) return i;
    for (const n of numbersOf(r)) {
      if (verb === 'add' || verb === 'create') has.add(n);
      else has.delete(n);
    }
  }
  return -1;
}

test('any operations in any order', () => {
  fc.assert(
    fc.property(list, operations, (held, list) => {
      const before = merged(sorted(held)).map((r): Entry => ({ ...r, rest: {}, index: -1 }));
      const merging = new Merging(before);
      const has = new Set(numbers(before));
      for (const [index, [verb, ranges]] of list.entries()) {
        const owner = { verb, object: {}, index };
        const attempt = new Set(has);
        const refused = apply(attempt, verb, ranges);
        const call = (): void => {
          if (verb === 'add' || verb === 'create') merging.add(entries(ranges), verb === 'create', owner);
          else merging.cut(entries(ranges), verb === 'delete', owner);
        };
        if (refused < 0) {
          call();
          for (const n of has) if (!attempt.has(n)) has.delete(n);
          for (const n of attempt) has.add(n);
        } else {
          const code = verb === 'create' ? 'EEXIST' : 'ENOENT';
          assert.throws(call, (err) => err instanceof ElementError && err.code === code && err.path === `elem[${refused}].val`);
        }
      }
      const { gone, written } = merging.difference();
      const sum = [...before.filter((e) => !gone.includes(e)), ...written];
      assert.deepEqual(
        numbers(merging.after),
        [...has].sort((a, b) => a - b),
      );
      assert.deepEqual(numbers(sum), numbers(merging.after));
      assert.equal(overlap(sorted(sum)), undefined);
      assert.deepEqual(merged(sorted(merging.after)).length, merging.after.length, 'what touches is one');
      for (const { owner, index } of written) {
        const ranges = owner?.index === undefined ? undefined : list[owner.index]?.[1];
        assert.ok(ranges?.[index] !== undefined, 'whose it is');
      }
    }),
    { numRuns: 3000, seed: 3 },
  );
});

test('large sets are gone through once, not once for each element or operation', () => {
  let looks = 0;
  const entryOf = (n: number, index: number): Entry => ({
    get low() {
      looks++;
      return Uint8Array.of(n >> 16, (n >> 8) & 255, n & 255);
    },
    high: Uint8Array.of(n >> 16, (n >> 8) & 255, n & 255),
    rest: {},
    index,
  });
  const HELD = 20_000;
  const held = Array.from({ length: HELD }, (_, i) => entryOf(i * 4, -1));
  const some = Array.from({ length: HELD / 10 }, (_, i) => entryOf(i * 40, i));
  const others = Array.from({ length: 300 }, (_, i) => entryOf(i * 40 + 2, 0));
  const owner = { verb: 'add', object: {}, index: 0 };
  const calls: readonly (readonly [what: string, call: (merging: Merging) => void, after: number])[] = [
    ['delete', (merging) => merging.cut(some, true, owner), HELD - some.length],
    ['single deletes', (merging) => some.forEach((e) => void merging.cut([e], true, owner)), HELD - some.length],
    ['single adds', (merging) => others.forEach((e) => void merging.add([e], false, owner)), HELD + others.length],
    ['single creates', (merging) => others.forEach((e) => void merging.add([e], true, owner)), HELD + others.length],
  ];
  for (const [what, call, after] of calls) {
    const merging = new Merging(held);
    looks = 0;
    call(merging);
    assert.equal(merging.after.length, after, what);
    // A binary search takes 15 looks; once for each element would be millions.
    assert.ok(looks < HELD * 20, `${what}: ${looks} looks`);
  }
});
