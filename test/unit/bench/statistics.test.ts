// The benchmarks' arithmetic: what a figure means must not depend on the order or number of samples.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ms } from '../../../bench/harness/report.ts';
import { compare, growthOf } from '../../../bench/harness/run.ts';
import { parseSizes } from '../../../bench/harness/sizes.ts';
import { slope, statistics } from '../../../bench/harness/statistics.ts';

test('median, 95th percentile and range of samples in any order', () => {
  assert.deepEqual(statistics([5, 1, 4, 2, 3]), { samples: 5, min: 1, median: 3, p95: 4.8, max: 5 });
  const hundred = Array.from({ length: 101 }, (_, i) => (i * 37) % 101);
  assert.deepEqual(statistics(hundred), { samples: 101, min: 0, median: 50, p95: 95, max: 100 });
});

test('an even number of samples has its median between the two in the middle', () => {
  assert.equal(statistics([1, 2, 10, 4]).median, 3);
});

test('one sample is all of its own figures; none is a mistake', () => {
  assert.deepEqual(statistics([7]), { samples: 1, min: 7, median: 7, p95: 7, max: 7 });
  assert.throws(() => statistics([]), RangeError);
});

test('a slope is that of the line through the points, whatever their order; of one point there is none', () => {
  assert.equal(
    slope([
      [0, 5],
      [2, 6],
      [1, 5.5],
    ]),
    0.5,
  );
  assert.equal(
    slope([
      [0, 0],
      [1, 10],
      [2, 10],
      [3, 0],
    ]),
    0,
  );
  assert.equal(
    slope([
      [10, 3],
      [20, 1],
    ]),
    -0.2,
  );
  for (const none of [
    [],
    [[1, 1]],
    [
      [1, 1],
      [1, 2],
    ],
  ] as [number, number][][])
    assert.throws(() => slope(none), RangeError);
});

test('samples are compared as numbers and left as they were', () => {
  const samples = Object.freeze([10, 9, 100]);
  assert.equal(statistics(samples).median, 10);
});

const column = <K extends string>(kind: K, name: string, median: number) => ({
  kind,
  name,
  samples: [median],
  statistics: statistics([median]),
});

test('ratios: everything against the floor, programs against the first nflink column', () => {
  const ratios = compare([column('nflink', 'a', 20), column('nflink', 'b', 15), column('exec', 'p', 50), column('floor', 'f', 10)]).map(
    (c) => [c.name, c.timesFloor, c.timesNflink] as const,
  );
  assert.deepEqual(ratios, [
    ['a', 2, undefined],
    ['b', 1.5, undefined],
    ['p', 5, 2.5],
    ['f', undefined, undefined],
  ]);
});

test('without a floor there is no ratio to it', () => {
  const [nflink, exec] = compare([column('nflink', 'a', 2), column('exec', 'p', 5)]);
  assert.equal(nflink?.timesFloor, undefined);
  assert.equal(exec?.timesNflink, 2.5);
});

test('a column grows as the size to the power of its slope; one size tells nothing', () => {
  const result = (size: number) => ({
    scenario: 's',
    size,
    subject: '',
    columns: compare([column('nflink', 'linear', size / 10), column('nflink', 'quadratic', size * size)]),
  });
  const growth = growthOf('aim', [result(1000), result(10_000), result(100_000)]);
  assert.deepEqual([growth?.from, growth?.to], [1000, 100_000]);
  assert.deepEqual(
    growth?.columns.map(({ name, exponent }) => [name, exponent.toFixed(6)]),
    [
      ['linear', '1.000000'],
      ['quadratic', '2.000000'],
    ],
  );
  assert.equal(growthOf('aim', [result(1000)]), undefined);
});

test('sizes', () => {
  assert.deepEqual(parseSizes('500,1k, 10k,2M'), [500, 1000, 10_000, 2_000_000]);
  for (const wrong of ['', '0', '1.5k', '-1', '1K', 'k', '1k,,2k']) assert.throws(() => parseSizes(wrong), RangeError, wrong);
});

test('milliseconds are printed to three digits', () => {
  assert.deepEqual([0.0123, 1.2345, 12.345, 123.45, 1234.5].map(ms), ['0.012', '1.23', '12.3', '123', '1235']);
});
