// What stays when a sequence becomes another, against a longest common subsequence found by filling the whole table.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Alignment, align, alignmentOf } from '../../../lib/sync/align.ts';
import { Random } from '../../support/random.ts';
import { lcsLength } from '../../support/sequences.ts';

/** Says what is wrong with an alignment, whatever its length. */
function check(before: readonly string[], after: readonly string[], found: Alignment): void {
  const { from, movedFrom, gone, kept, added, removed, moved } = found;
  assert.equal(from.length, after.length);
  const stays = [...from].filter((place) => place >= 0);
  assert.ok(
    stays.every((place, i) => place > (stays[i - 1] ?? -1)),
    `what stays rises: ${stays}`,
  );
  for (const [place, old] of from.entries()) if (old >= 0) assert.equal(before[old], after[place], `what stays is the same: ${place}`);
  assert.equal(kept, stays.length);
  // What stays and what goes are all there was.
  assert.deepEqual(
    [...stays, ...gone].sort((a, b) => a - b),
    before.map((_, i) => i),
  );
  assert.ok(
    gone.every((place, i) => place > (gone[i - 1] ?? -1)),
    'what goes rises',
  );
  const movers = [...movedFrom].filter((place) => place >= 0);
  assert.equal(new Set(movers).size, movers.length, 'a rule moves to one place');
  for (const [place, old] of movedFrom.entries()) {
    if (old < 0) continue;
    assert.ok((from[place] as number) < 0, 'what stays does not move');
    assert.ok(gone.includes(old), 'what moves goes');
    assert.equal(before[old], after[place], 'what moves is the same');
  }
  assert.equal(moved, movers.length);
  assert.equal(kept + moved + added, after.length);
  assert.equal(kept + moved + removed, before.length);
  // Nothing is removed and added that could have moved.
  const left = new Map<string, number>();
  for (const place of gone) if (!movers.includes(place)) left.set(before[place] as string, 1);
  for (const [place, key] of after.entries())
    if ((from[place] as number) < 0 && (movedFrom[place] as number) < 0) assert.ok(!left.has(key), `${key} is removed and added`);
}

interface Shape {
  readonly name: string;
  readonly runs: number;
  readonly length: number;
  /** How many kinds of elements there are; undefined: all differ. */
  readonly kinds?: (length: number) => number;
  readonly minimal: boolean | 'either';
}
const shapes: readonly Shape[] = [
  { name: 'distinct', runs: 400, length: 60, minimal: true },
  { name: 'some alike', runs: 400, length: 60, kinds: (n) => Math.max(1, Math.ceil(n / 2)), minimal: true },
  { name: 'each some ten times', runs: 200, length: 120, kinds: (n) => Math.max(1, Math.ceil(n / 10)), minimal: true },
  { name: 'short, of three kinds', runs: 800, length: 9, kinds: () => 3, minimal: true },
  { name: 'of two kinds', runs: 100, length: 150, kinds: () => 2, minimal: 'either' },
  { name: 'one kind in most places', runs: 100, length: 150, kinds: () => 4, minimal: 'either' },
];

function sequence(random: Random, { length, kinds }: Shape): string[] {
  const n = random.below(length + 1);
  if (kinds !== undefined) return Array.from({ length: n }, () => String(random.below(kinds(length))));
  return shuffled(
    random,
    Array.from({ length }, (_, i) => String(i)),
  ).slice(0, n);
}

function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const out = [...list];
  for (let i = out.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [out[i], out[j]] = [out[j] as T, out[i] as T];
  }
  return out;
}

/** A sequence that has much in common with another: some elements gone, some new, some at other places. */
function edited(random: Random, list: readonly string[], shape: Shape): string[] {
  const out = [...list];
  for (let edits = random.below(8); edits > 0; edits--) {
    const at = random.below(out.length + 1);
    const [taken = `new ${edits}`] = random.chance(0.6) ? out.splice(at, 1) : [];
    if (random.chance(0.6)) out.splice(random.below(out.length + 1), 0, shape.kinds === undefined ? taken : String(random.below(3)));
  }
  return out;
}

describe('the alignment of two sequences', () => {
  for (const shape of shapes)
    it(`keeps as much as can be: ${shape.name}`, (t) => {
      const seed = 20_260_101;
      t.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      let notMinimal = 0;
      for (let run = 0; run < shape.runs; run++) {
        const before = sequence(random, shape);
        const after = run % 2 === 0 ? sequence(random, shape) : edited(random, before, shape);
        const found = align(before, after);
        const title = JSON.stringify({ before, after });
        check(before, after, found);
        const best = lcsLength(before, after);
        if (found.minimal) assert.equal(found.kept, best, title);
        else {
          assert.ok(found.kept <= best, title);
          notMinimal++;
        }
        if (shape.minimal === true) assert.ok(found.minimal, title);
      }
      if (shape.minimal === 'either') assert.ok(notMinimal > 0, 'none had too many that are alike');
    });

  it('with many that are alike says that it may keep less than could be', () => {
    const before = ['x', ...Array<string>(400).fill('a'), 'y'];
    const after = ['y', ...Array<string>(300).fill('a'), 'x'];
    const found = align(before, after);
    check(before, after, found);
    assert.equal(found.minimal, false);
    // The n-th is taken for the n-th.
    assert.equal(found.kept, 300);
    assert.equal(found.moved, 2);
  });

  const a = Array.from({ length: 5 }, (_, i) => String(i));
  const table: readonly (readonly [name: string, before: readonly string[], after: readonly string[], expected: Partial<Alignment>])[] = [
    ['nothing and nothing', [], [], { kept: 0, added: 0, removed: 0, moved: 0 }],
    ['all new', [], a, { kept: 0, added: 5 }],
    ['all gone', a, [], { kept: 0, removed: 5, gone: [0, 1, 2, 3, 4] }],
    ['the same', a, a, { kept: 5, added: 0, removed: 0, moved: 0 }],
    ['the first at the end', a, ['1', '2', '3', '4', '0'], { kept: 4, moved: 1, gone: [0] }],
    ['the last at the beginning', a, ['4', '0', '1', '2', '3'], { kept: 4, moved: 1, gone: [4] }],
    ['turned round', a, a.toReversed(), { kept: 1, moved: 4 }],
    ['others altogether', a, ['a', 'b'], { kept: 0, added: 2, removed: 5 }],
    ['one of two that are alike goes', ['a', 'b', 'a'], ['b', 'a'], { kept: 2, removed: 1, gone: [0] }],
    ['one becomes two', ['a'], ['a', 'a'], { kept: 1, added: 1 }],
    ['what begins as the end does', ['a', 'b', 'a'], ['a'], { kept: 1, removed: 2 }],
  ];
  for (const [name, before, after, expected] of table)
    it(name, () => {
      const found = align(before, after);
      check(before, after, found);
      for (const [key, value] of Object.entries(expected)) assert.deepEqual(found[key as keyof Alignment], value, key);
      assert.ok(found.minimal);
    });

  it('counts from places that somebody else has chosen', () => {
    const [before, after] = [
      ['a', 'b', 'c'],
      ['c', 'b', 'd'],
    ];
    const found = alignmentOf(before, after, Int32Array.of(2, -1, -1));
    check(before, after, found);
    assert.deepEqual([found.kept, found.moved, found.added, found.removed], [1, 1, 1, 1]);
  });

  it('100,000 elements in any order, and 100,000 that are alike, try a bounded number of pairs each', (t) => {
    const seed = 7;
    t.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const steps = (n: number, sequences: (n: number) => readonly [string[], string[]]): number => {
      const [before, after] = sequences(n);
      let found: Alignment | undefined;
      const count = appended(() => (found = align(before, after)));
      assert.equal(found!.kept + found!.moved + found!.added, after.length);
      assert.equal(found!.kept + found!.moved + found!.removed, before.length);
      return count;
    };
    const cases: Readonly<Record<string, (n: number) => readonly [string[], string[]]>> = {
      distinct: (n) => {
        const before = Array.from({ length: n }, (_, i) => `rule ${i}`);
        return [before, shuffled(random, before)];
      },
      alike: (n) => [
        ['x', ...Array<string>(n).fill('a'), 'y'],
        ['y', ...Array<string>(n).fill('a'), 'x'],
      ],
      'of a hundred kinds': (n) => {
        const kind = (): string => String(random.below(100));
        return [Array.from({ length: n }, kind), Array.from({ length: n }, kind)];
      },
    };
    for (const [name, sequences] of Object.entries(cases)) {
      const [few, many] = [1000, 100_000].map((n) => steps(n, sequences)) as [number, number];
      t.diagnostic(`${name}: ${few} and ${many} pairs`);
      assert.ok(many <= 34 * 100_000, `${name}: ${many} pairs`);
    }
  });
});

/** How often `fn` appends to a list: each pair that is tried is one, and costs a search among fewer than there are elements. */
function appended(fn: () => void): number {
  const { push } = Array.prototype;
  let count = 0;
  Array.prototype.push = function counted(this: unknown[], ...items: unknown[]): number {
    count++;
    return push.apply(this, items);
  };
  try {
    fn();
  } finally {
    Array.prototype.push = push;
  }
  return count;
}
