// A plan that somebody else comes before is made again, ten times at most; what else fails, fails at once.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NetfilterError } from '../../../lib/index.ts';
import { runSync } from '../../../lib/run.ts';
import { type Attempt, type Committed, commitPlanned } from '../../../lib/sync/commit.ts';
import { hunks } from '../../../lib/sync/hunks.ts';

const attempt = (generation: number, empty = false): Attempt => ({ generation, empty, by: { process: 'nft', tid: generation } });
const restart = (): NetfilterError => new NetfilterError('again', { code: 'ERESTART', errno: 85 });

/** `refusals`: what the first sends are answered. */
function carryOut(
  refusals: readonly Error[],
  first = attempt(1),
  plans = (n: number) => attempt(n),
): { done: () => Committed<Attempt>; sent: number[] } {
  const sent: number[] = [];
  const verb = commitPlanned(first, {
    // biome-ignore lint/correctness/useYield: nothing has to be waited for
    *plan() {
      return plans(sent.length + 1);
    },
    // biome-ignore lint/correctness/useYield: nothing has to be waited for
    *send({ generation }) {
      const refusal = refusals[sent.push(generation ?? 0) - 1];
      if (refusal !== undefined) throw refusal;
      return 100;
    },
    what: 'ip t',
  });
  return { done: () => runSync(verb), sent };
}

describe('commitPlanned', () => {
  it('sends the first plan, or the one that holds', () => {
    assert.deepEqual(carryOut([]).done(), { plan: attempt(1), generation: 100, retries: 0 });
    const { done, sent } = carryOut([restart(), restart()]);
    assert.deepEqual(done(), { plan: attempt(3), generation: 100, retries: 2 });
    assert.deepEqual(sent, [1, 2, 3]);
  });

  it('sends nothing where nothing has to be done, at first or after others have done it', () => {
    assert.deepEqual(carryOut([], attempt(7, true)).done(), { plan: attempt(7, true), generation: 7, retries: 0 });
    const { done, sent } = carryOut([restart()], attempt(1), () => attempt(9, true));
    assert.deepEqual([done().generation, sent], [9, [1]]);
  });

  it('gives up after ten tries naming the last writer', () => {
    const { done, sent } = carryOut(Array.from({ length: 20 }, restart));
    assert.throws(done, { code: 'ERR_CONFLICT', message: /ip t: .* each of 10 tries, last by nft \(thread 10\); nothing was applied$/ });
    assert.equal(sent.length, 10);
  });

  it('passes on what else fails', () => {
    const { done, sent } = carryOut([new NetfilterError('no', { code: 'EPERM' })]);
    assert.throws(done, { code: 'EPERM' });
    assert.equal(sent.length, 1);
  });
});

describe('hunks', () => {
  const text = (before: string, after: string, from: number[]): string =>
    hunks('c', before.length, Int32Array.from(from), { gone: (i) => before[i] as string, comes: (i) => after[i] as string }).join(' ');

  it('are numbered as diff -u numbers lines', () => {
    assert.equal(text('abc', 'abc', [0, 1, 2]), '');
    assert.equal(text('abc', 'axc', [0, -1, 2]), '@@ -2 +2 @@ c -b +x');
    assert.equal(text('ab', 'xyab', [-1, -1, 0, 1]), '@@ -0,0 +1,2 @@ c +x +y');
    assert.equal(text('abcd', 'bd', [1, 3]), '@@ -1 +0,0 @@ c -a @@ -3 +1,0 @@ c -c');
    assert.equal(text('ab', '', []), '@@ -1,2 +0,0 @@ c -a -b');
  });
});
