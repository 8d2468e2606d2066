// A poll that fails by what is no NetfilterError, such as bytes that can't be read, ends a watch with that error: it hangs nobody and is no
// unhandled rejection.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection } from '../../../lib/connection.ts';
import { CounterWatch } from '../../../lib/counters/watch.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';

function watch(): CounterWatch {
  const connection = { listen: () => () => {} } as unknown as Connection;
  return new CounterWatch(connection, () => Promise.reject(new DecodeError('no message', 4)), { intervalMs: 1 });
}

it('a waiting next() rejects, and the iteration is over', async () => {
  const watching = watch();
  const [first, second] = await Promise.allSettled([watching.next(), watching.next()]);
  assert.ok(first.status === 'rejected' && first.reason instanceof DecodeError);
  assert.deepEqual(second, { status: 'fulfilled', value: { done: true, value: undefined } });
  assert.deepEqual(await watching.next(), { done: true, value: undefined });
});

it('a loop throws it', async () => {
  await assert.rejects(async () => {
    for await (const _ of watch()) assert.fail('a sample');
  }, DecodeError);
});
