// Batches of messages to events: what belongs to a commit, what is lost with an overrun, what is kept in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type NativeEventBatch, OVERRUN } from '../../../lib/native.ts';
import type { Change } from '../../../lib/nftables/events/commit.ts';
import { EventReader, type ReaderOptions } from '../../../lib/nftables/events/reader.ts';
import type { CommitEvent, NftEvent } from '../../../lib/nftables/events/types.ts';
import * as m from '../../../lib/nftables/objects/messages.ts';
import { tableTable } from '../../../lib/nftables/objects/table.ts';
import { DecodeError } from '../../../lib/wire/errors.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';

const OWN = 77;
type Piece = Uint8Array | typeof OVERRUN;

function message(type: number, port: number, attributes: (w: AttributeWriter) => void): Uint8Array {
  const w = new AttributeWriter();
  attributes(w);
  const bytes = new Uint8Array(20 + w.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, (m.NFNL_SUBSYS_NFTABLES << 8) | type, true);
  view.setUint32(12, port, true);
  bytes[16] = m.families.ip;
  bytes.set(w.written(), 20);
  return bytes;
}
const table = (name: string, port = OWN): Uint8Array => message(m.NFT_MSG_NEWTABLE, port, (w) => tableTable.encode(w, { name }));
const generation = (id: number, port = OWN): Uint8Array =>
  message(m.NFT_MSG_NEWGEN, port, (w) => {
    w.be32(1, id);
    w.be32(2, 4242);
    w.string(3, 'nft');
  });
const trace = (id: number): Uint8Array =>
  message(m.NFT_MSG_TRACE, 0, (w) => {
    w.be32(4, 3);
    w.be32(6, id);
  });

function batch(...pieces: readonly Piece[]): NativeEventBatch {
  const bytes: number[] = [];
  const index = pieces.map((piece) => {
    if (typeof piece === 'number') return OVERRUN;
    const at = bytes.length;
    bytes.push(...piece);
    while (bytes.length % 4 !== 0) bytes.push(0);
    return at;
  });
  return { data: Uint8Array.from(bytes).buffer, index: Uint32Array.from(index) };
}

/** Each event in a word: `5+a+b` is the commit of generation 5 that adds tables a and b. */
function words(batches: readonly NativeEventBatch[], o: Partial<ReaderOptions> = {}): string[] {
  const reader = new EventReader({ port: OWN, wants: () => true, ...o });
  const out: string[] = [];
  for (const b of batches) {
    reader.push(b);
    for (let event = reader.next(); event !== undefined; event = reader.next()) out.push(word(event));
    assert.ok(reader.empty);
  }
  return out;
}
function word(event: NftEvent): string {
  if (event.kind === 'trace') return `trace ${event.id}`;
  if (event.kind === 'overrun') return event.kind;
  const names = event.changes.map(({ object }) => (object as { table: { name: string } }).table.name);
  return [event.generation, ...names].join('+');
}

test('a commit is what came before its generation, over as many batches as it takes', () => {
  assert.deepEqual(words([batch(table('a'), table('b'), generation(5), table('c')), batch(table('d')), batch(generation(6))]), [
    '5+a+b',
    '6+c+d',
  ]);
});

test('whose it is: the port of the generation message', () => {
  const reader = new EventReader({ port: OWN, wants: () => true });
  reader.push(batch(table('a'), generation(5), table('b', 9), generation(6, 9)));
  const [own, foreign] = [reader.next() as CommitEvent, reader.next() as CommitEvent];
  assert.deepEqual([own.own, foreign.own], [true, false]);
  assert.deepEqual([foreign.tid, foreign.process], [4242, 'nft']);
});

test('traces come between the messages of a commit and leave it whole', () => {
  assert.deepEqual(words([batch(table('a'), trace(1), table('b'), trace(2), generation(5))]), ['trace 1', 'trace 2', '5+a+b']);
});

test('what is not wanted is passed over', () => {
  const all = [batch(table('a'), trace(1), generation(5), OVERRUN)];
  for (const [kind, expected] of [
    ['commit', '5+a'],
    ['trace', 'trace 1'],
    ['overrun', 'overrun'],
  ])
    assert.deepEqual(words(all, { wants: (k) => k === kind }), [expected]);
});

test('an overrun takes the beginning of a commit with it', () => {
  assert.deepEqual(words([batch(table('a'), generation(5), table('b'), OVERRUN, table('c'), generation(9))]), ['5+a', 'overrun', '9+c']);
  assert.deepEqual(words([batch(table('a')), batch(OVERRUN), batch(generation(9))]), ['overrun', '9']);
});

test('what the kernel says by itself stands alone, in the generation it happened in', () => {
  assert.deepEqual(words([batch(table('k', 0), table('a'), table('q', 0), generation(5), table('l', 0))]), ['0+k', '0+q', '5+a', '5+l']);
});

test('a commit beyond its bound becomes an overrun where it ends', () => {
  const batches = [batch(table('a')), batch(table('b')), batch(table('c')), batch(generation(5), table('d'), generation(6))];
  assert.deepEqual(words(batches, { largestCommit: 60 }), ['overrun', '6+d']);
  assert.deepEqual(words(batches, { largestCommit: 1000 }), ['5+a+b+c', '6+d']);
});

test('a kept commit keeps no batch that is much larger', () => {
  const reader = new EventReader({ port: OWN, wants: () => true });
  const others = Array.from({ length: 200 }, (_, i) => [table(`t${i}`), generation(i + 1)]).flat();
  const whole = batch(...others);
  reader.push(whole);
  const kept = reader.next() as CommitEvent;
  structuredClone(whole.data, { transfer: [whole.data] });
  assert.deepEqual(kept.changes[0]?.object, { table: { family: 'ip', name: 't0' } });
});

test('a message of a kind nobody knows keeps its bytes; a broken one is a DecodeError and the next is read', () => {
  const reader = new EventReader({ port: OWN, wants: () => true });
  const strange = message(200, OWN, (w) => w.be32(1, 7));
  const broken = generation(5);
  broken[20] = 200;
  reader.push(batch(strange, broken, table('a'), generation(6)));
  assert.throws(() => reader.next(), DecodeError);
  const commit = reader.next() as CommitEvent;
  const [first, second] = commit.changes as readonly Change[];
  assert.deepEqual(first?.object, { unknown: { type: 200, family: m.families.ip, data: strange.slice(20) } });
  assert.deepEqual(second?.object, { table: { family: 'ip', name: 'a' } });
});
