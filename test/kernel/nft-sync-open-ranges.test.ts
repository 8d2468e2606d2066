// Ranges of an interval map that nothing ends but the next one's begin, as the kernel takes them when they come last to first: sync neither widens nor loses them.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Connection } from '../../lib/connection.ts';
import { Batch } from '../../lib/nftables/batch.ts';
import type { ElementAttributes } from '../../lib/nftables/objects/element.ts';
import { NFT_MSG_NEWSETELEM, NLM_F_CREATE } from '../../lib/nftables/objects/messages.ts';
import { portableTables } from '../../lib/nftables/portable.ts';
import { sendBatch } from '../../lib/nftables/send.ts';
import { ElementMessages } from '../../lib/nftables/sets/element-messages.ts';
import { runSync } from '../../lib/run.ts';
import { NftFixture } from '../support/nft.ts';

const map = (elements: string): string => `table ip t { map m { type ipv4_addr : verdict; flags interval; ${elements} }; }\n`;
const start = (last: number, verdict: 'accept' | 'drop'): ElementAttributes => ({ key: Uint8Array.of(10, 0, 0, last), data: { verdict } });
const end = (last: number): ElementAttributes => ({ key: Uint8Array.of(10, 0, 0, last), flags: ['interval end'] });

/** What the kernel takes only as it is written here. */
function put(connection: Connection, elements: readonly ElementAttributes[]): void {
  const batch = new Batch();
  const header = { type: NFT_MSG_NEWSETELEM, flags: NLM_F_CREATE, family: 2 };
  const messages = new ElementMessages(batch.writer, { table: 't', set: 'm' }, () => void batch.push(header, { verb: 'add', object: {} }));
  for (const [i, e] of elements.entries()) messages.add(i, e);
  messages.end();
  connection.runSync('commit', () => sendBatch(connection, batch, {}), true);
}

/** 10.0.0.1 to 10.0.0.10 are accepted without an end, 10.0.0.11 to 10.0.0.20 dropped with one. */
async function open(): Promise<NftFixture> {
  const f = await NftFixture.create();
  f.must('nft', ['-f', '-'], { input: map('') });
  const connection = runSync(Connection.open(f.ns.path));
  put(connection, [start(11, 'drop'), end(21)]);
  put(connection, [start(1, 'accept')]);
  connection.closeSync();
  return f;
}

const listed = (f: NftFixture): string[] =>
  Array.from(f.must('nft', ['list', 'map', 'ip', 't', 'm']).matchAll(/10\.0\.0\.\S+ : \w+/g), ([found]) => found);
/** As dumped, without the end at 0.0.0.0 by which nft opens a map. */
const raw = async (f: NftFixture): Promise<string[]> =>
  Array.from(portableTables(await f.nft.snapshot(), 'test')[0]?.sets[0]?.elements ?? [], (e) => JSON.stringify(e)).filter(
    (e) => !e.includes('"0":0'),
  );

for (const elements of [
  ['10.0.0.1-10.0.0.10 : accept'],
  ['10.0.0.1-10.0.0.10 : accept', '10.0.0.15-10.0.0.20 : drop'],
  ['10.0.0.1-10.0.0.10 : accept', '10.0.0.11-10.0.0.20 : drop'],
  ['10.0.0.11-10.0.0.20 : drop'],
]) {
  it(`an open range becomes ${elements.join(', ')}`, async () => {
    await using wanted = await NftFixture.create();
    wanted.must('nft', ['-f', '-'], { input: map(`elements = { ${elements.join(', ')} }`) });
    const desired = await wanted.nft.snapshot();
    await using f = await open();
    assert.deepEqual(listed(f), ['10.0.0.1-10.0.0.10 : accept', '10.0.0.11-10.0.0.20 : drop']);
    await f.nft.sync(desired);
    assert.deepEqual(listed(f), elements);
    assert.deepEqual(await raw(f), await raw(wanted));
    assert.ok((await f.nft.plan(desired)).empty);
  });
}

it('an open range that is desired comes with an end, and stays', async () => {
  await using wanted = await open();
  const desired = await wanted.nft.snapshot();
  for (const text of [map(''), 'table ip t { }\n', '']) {
    await using f = await NftFixture.create();
    f.must('nft', ['-f', '-'], { input: text });
    await f.nft.sync(desired);
    assert.deepEqual(listed(f), ['10.0.0.1-10.0.0.10 : accept', '10.0.0.11-10.0.0.20 : drop']);
    assert.ok((await f.nft.plan(desired)).empty);
  }
  assert.deepEqual((await wanted.nft.sync(desired)).elements, { added: 1, removed: 1, refreshed: 0, kept: 1 });
  assert.ok((await wanted.nft.plan(desired)).empty);
});
