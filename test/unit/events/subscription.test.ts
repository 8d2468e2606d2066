// What a subscription does with a batch the kernel would never send: one connection of the test's own, no socket.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../../lib/connection.ts';
import type { NativeEventBatch } from '../../../lib/native.ts';
import { EventSubscription } from '../../../lib/nftables/events/subscription.ts';
import * as m from '../../../lib/nftables/objects/messages.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';

const LENGTH = 28;
const MESSAGES = 3;

/** NFT_MSG_NEWGEN three times, the first with an attribute that is longer than the message. */
function brokenBatch(): NativeEventBatch {
  const data = new ArrayBuffer(MESSAGES * LENGTH);
  const view = new DataView(data);
  for (let at = 0; at < data.byteLength; at += LENGTH) {
    view.setUint32(at, LENGTH, true);
    view.setUint16(at + 4, (m.NFNL_SUBSYS_NFTABLES << 8) | m.NFT_MSG_NEWGEN, true);
    view.setUint16(at + 20, at === 0 ? 200 : 8, true);
    view.setUint16(at + 22, 1, true);
  }
  return { data, index: Uint32Array.from({ length: MESSAGES }, (_, i) => i * LENGTH) };
}

function subscription(): { readonly events: EventSubscription; readonly closed: () => readonly string[] } {
  const closed: string[] = [];
  const connection = {
    portId: 1,
    where: 'a test',
    namespaceFile: undefined,
    subscribe: () => ({
      source: {
        pull: (callback: (batch: NativeEventBatch) => void) => void setImmediate(() => callback(brokenBatch())),
        close: () => void closed.push('source'),
      },
      forget: () => void closed.push('listener'),
    }),
  } as unknown as Connection;
  return { events: EventSubscription.open(connection), closed: () => closed };
}

test('what can not be read ends the subscription: a loop that it leaves does not call return()', async () => {
  const { events, closed } = subscription();
  await assert.rejects(async () => {
    for await (const event of events) assert.fail(`an event: ${event.kind}`);
  }, DecodeError);
  assert.deepEqual(closed(), ['source', 'listener']);
  assert.deepEqual(await events.next(), { done: true, value: undefined });
});

test('of several who wait, the first learns why it ended', async () => {
  const { events } = subscription();
  const [first, second] = await Promise.allSettled([events.next(), events.next()]);
  assert.ok(first.status === 'rejected' && first.reason instanceof DecodeError);
  assert.deepEqual(second, { status: 'fulfilled', value: { done: true, value: undefined } });
});
