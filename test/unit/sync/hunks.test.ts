// Where two sequences differ, as diff -u prints it.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { hunks } from '../../../lib/sync/hunks.ts';

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
