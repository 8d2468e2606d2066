// Following commits that no kernel here makes: generations that begin anew, tables that went unannounced, messages of older kernels.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NativeEventBatch } from '../../../lib/native.ts';
import { Follower } from '../../../lib/nftables/events/follow.ts';
import { EventReader } from '../../../lib/nftables/events/reader.ts';
import type { CommitEvent } from '../../../lib/nftables/events/types.ts';
import { chainTable } from '../../../lib/nftables/objects/chain.ts';
import * as m from '../../../lib/nftables/objects/messages.ts';
import { tableTable } from '../../../lib/nftables/objects/table.ts';
import { nextGeneration } from '../../../lib/nftables/read.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';

function message(type: number, attributes: (w: AttributeWriter) => void): Uint8Array {
  const w = new AttributeWriter();
  attributes(w);
  const bytes = new Uint8Array(20 + w.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, (m.NFNL_SUBSYS_NFTABLES << 8) | type, true);
  view.setUint32(12, 77, true);
  bytes[16] = m.families.ip;
  bytes.set(w.written(), 20);
  return bytes;
}
const table = (name: string, handle: bigint): Uint8Array => message(m.NFT_MSG_NEWTABLE, (w) => tableTable.encode(w, { name, handle }));
const chain = (name: string, handle: bigint): Uint8Array =>
  message(m.NFT_MSG_NEWCHAIN, (w) => chainTable.encode(w, { table: 't', name, handle }));

function commit(generation: number, ...pieces: readonly Uint8Array[]): CommitEvent {
  const end = message(m.NFT_MSG_NEWGEN, (w) => {
    w.be32(1, generation);
    w.be32(2, 4242);
    w.string(3, 'nft');
  });
  const all = [...pieces, end];
  const ends = all.map((_, i) => all.slice(0, i + 1).reduce((sum, piece) => sum + piece.length, 0));
  const data = new Uint8Array(ends.at(-1) as number);
  for (const [i, piece] of all.entries()) data.set(piece, (ends[i] as number) - piece.length);
  const batch: NativeEventBatch = { data: data.buffer, index: Uint32Array.from(ends, (to, i) => to - (all[i] as Uint8Array).length) };
  const reader = new EventReader({ port: 1, wants: () => true });
  reader.push(batch);
  return reader.next() as CommitEvent;
}

const follower = (generation: number): Follower => new Follower(generation, { keep: (rule) => rule });
const chains = (f: Follower): string[] => Array.from(f.table('ip', 't')?.chains() ?? [], (c) => c.name);

test('generations go on after the largest, without 0', () => {
  assert.equal(nextGeneration(0xffff_ffff), 1);
  const f = follower(0xffff_fffe);
  const steps = [
    commit(0xffff_ffff, table('t', 1n), chain('a', 2n)),
    commit(1, chain('b', 3n)),
    // Old ones that come again are passed over.
    commit(0xffff_fffe, chain('old', 4n)),
    commit(0xffff_ffff, chain('old', 4n)),
    commit(2, chain('c', 5n)),
  ];
  assert.deepEqual(
    steps.map((step) => [f.apply(step), f.generation]),
    [0xffff_ffff, 1, 1, 1, 2].map((generation) => [true, generation]),
  );
  assert.deepEqual(chains(f), ['a', 'b', 'c']);
});

for (const [last, missed] of [
  [0xffff_ffff, 2],
  [0xffff_fffe, 1],
  [7, 9],
] as const) {
  test(`after ${last} comes ${missed}: one is missing`, () => {
    const f = follower(last);
    assert.equal(f.apply(commit(missed, table('t', 1n))), false);
    assert.equal(f.apply(commit(nextGeneration(missed), table('u', 2n))), false, 'lost is lost');
  });
}

test('a table that comes while it is known is another one: its owner ended, and the kernel does not announce that', () => {
  const f = follower(1);
  f.apply(commit(2, table('t', 1n), chain('a', 2n)));
  assert.ok(f.apply(commit(3, table('t', 1n))), 'the same one, changed');
  assert.deepEqual(chains(f), ['a']);
  assert.ok(f.apply(commit(4, table('t', 9n), chain('b', 10n))));
  assert.deepEqual(chains(f), ['b']);
});

test('a deleted base chain is told with its hook by older kernels, and devices that were taken from one with them', () => {
  const f = follower(1);
  f.apply(commit(2, table('t', 1n), chain('a', 2n), chain('b', 3n)));
  const deleted = (name: string, devs?: readonly string[]): Uint8Array =>
    message(m.NFT_MSG_DELCHAIN, (w) =>
      chainTable.encode(w, { table: 't', name, hook: { hooknum: 1, priority: 0, ...(devs === undefined ? {} : { devs }) } }),
    );
  assert.ok(f.apply(commit(3, deleted('a'), deleted('b', ['lo']))));
  assert.deepEqual(chains(f), ['b']);
});

test('a commit about a chain that is not known cannot be followed', () => {
  const f = follower(1);
  f.apply(commit(2, table('t', 1n)));
  const gone = message(m.NFT_MSG_DELCHAIN, (w) => chainTable.encode(w, { table: 't', name: 'nobody' }));
  assert.equal(f.apply(commit(3, gone)), false);
});
