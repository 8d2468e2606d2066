// The elements of a set as things that come and go: ranges of two elements, times that others have rounded.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ElementAttributes } from '../../../lib/nftables/objects/element.ts';
import type { SetAttributes } from '../../../lib/nftables/objects/set.ts';
import { Numbers, TableContent } from '../../../lib/nftables/sync/content.ts';
import { type ElementPlan, type Item, itemsOf, planElements } from '../../../lib/nftables/sync/elements.ts';
import { runSync, Slice } from '../../../lib/run.ts';

const content = new TableContent(undefined, new Numbers());
const items = (attributes: SetAttributes, elements: readonly ElementAttributes[], shape: 'dumped' | 'written' = 'dumped'): Item[] =>
  runSync(itemsOf({ attributes, elements }, content, new Slice(), shape));
const STATE = { all: false, goneChains: new Set<string>() };
const counts = ({ added, removed, refreshed, kept }: ElementPlan): number[] => [added.length, removed.length, refreshed.length, kept];

const start = (n: number, more: ElementAttributes = {}): ElementAttributes => ({ key: Uint8Array.of(n), ...more });
const end = (n: number): ElementAttributes => ({ key: Uint8Array.of(n), flags: ['interval end'] });
const ranges: SetAttributes = { flags: ['interval'] };

describe('ranges', () => {
  it('are a start with its end, in any order of a dump; an end of nothing is none', () => {
    const list = items(ranges, [end(30), start(20), end(0), start(1), end(5), end(9), start(200), { flags: ['catch-all'] }]);
    assert.deepEqual(
      list.map(({ parts }) => parts.map(({ key }) => key?.[0])),
      [[undefined], [1, 5], [20, 30], [200]],
    );
  });

  it('that end elsewhere are others; side by side they are two', () => {
    const before = items(ranges, [start(1), end(5), start(5), end(9)]);
    assert.deepEqual(counts(planElements(ranges, before, items(ranges, [start(1), end(6), start(6), end(9)]), STATE)), [2, 2, 0, 0]);
    assert.deepEqual(counts(planElements(ranges, before, items(ranges, [start(5), end(9), start(1), end(5)]), STATE)), [0, 0, 0, 2]);
  });
});

describe('times', () => {
  const plan = (definition: SetAttributes, before: ElementAttributes, after: ElementAttributes): number[] =>
    counts(planElements(definition, items(definition, [before]), items(definition, [after]), STATE));
  const timed: SetAttributes = { flags: ['timeout'], timeout: 60_000n };

  it('of another kernel’s ticks are the same; the set’s own counts where an element has none', () => {
    assert.deepEqual(plan(timed, start(1, { timeout: 1000n }), start(1, { timeout: 1004n })), [0, 0, 0, 1]);
    assert.deepEqual(plan(timed, start(1, { timeout: 1000n }), start(1, { timeout: 1020n })), [0, 0, 1, 0]);
    assert.deepEqual(plan(timed, start(1), start(1, { timeout: 60_000n })), [0, 0, 0, 1]);
    assert.deepEqual(plan(timed, start(1), start(1, { timeout: 0n })), [0, 0, 1, 0]);
  });

  it('that are left are no difference; counts neither; what else differs makes it another', () => {
    const counter = (packets: bigint): ElementAttributes => start(1, { expr: { type: 'counter', packets, bytes: 0n } });
    assert.deepEqual(plan(timed, start(1, { expiration: 5n }), start(1, { expiration: 50_000n })), [0, 0, 0, 1]);
    assert.deepEqual(plan(timed, counter(1n), counter(7n)), [0, 0, 0, 1]);
    assert.deepEqual(plan(timed, start(1, { data: Uint8Array.of(1) }), start(1, { data: Uint8Array.of(2) })), [1, 1, 0, 0]);
  });

  it('in a dynamic set are the packet path’s', () => {
    const dynamic: SetAttributes = { flags: ['timeout', 'eval'] };
    const [before, after] = [items(dynamic, [start(1), start(2, { timeout: 5000n })]), items(dynamic, [start(2), start(3)])];
    assert.deepEqual(counts(planElements(dynamic, before, after, STATE)), [1, 0, 0, 2]);
    assert.deepEqual(counts(planElements(dynamic, before, after, { ...STATE, all: true })), [1, 1, 1, 0]);
  });
});
