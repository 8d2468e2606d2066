// What is remembered of a table's changes: all of them since a mark, or nothing where that is too long ago.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChainHistory } from '../../../lib/nftables/events/history.ts';

test('chains that changed since a mark, each once', () => {
  const history = new ChainHistory();
  for (const chain of ['a', 'b']) history.add(chain);
  const { mark } = history;
  assert.deepEqual([...(history.since(mark) ?? [])], []);
  for (const chain of ['b', 'c', 'b']) history.add(chain);
  assert.deepEqual([...(history.since(mark) ?? [])], ['b', 'c']);
  assert.deepEqual([...(history.since(0) ?? [])], ['a', 'b', 'c']);
});

test('what is long ago is forgotten, never told in part', () => {
  const history = new ChainHistory();
  const marks: number[] = [];
  for (let n = 0; n < 25_000; n++) {
    marks.push(history.mark);
    history.add(String(n));
  }
  for (let n = 0; n < 25_000; n += 500) {
    const since = history.since(marks[n] as number);
    if (since !== undefined) assert.equal(since.size, 25_000 - n, `since ${n}`);
    else assert.ok(n <= 20_000, `since ${n}`);
  }
});
