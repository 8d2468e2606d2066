// The log of commits over what a source tells: what is lost may have touched the tables.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Connection } from '../../../lib/connection.ts';
import { type NativeEventBatch, OVERRUN } from '../../../lib/native.ts';
import { CommitLog } from '../../../lib/nftables/events/commit-log.ts';
import * as m from '../../../lib/nftables/objects/messages.ts';
import { tableTable } from '../../../lib/nftables/objects/table.ts';
import { runSync } from '../../../lib/run.ts';
import { AttributeWriter } from '../../../lib/wire/writer.ts';

function message(type: number, attributes: (w: AttributeWriter) => void, family: number = m.families.ip): Uint8Array {
  const w = new AttributeWriter();
  attributes(w);
  const bytes = new Uint8Array((20 + w.length + 3) & ~3);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 20 + w.length, true);
  view.setUint16(4, (m.NFNL_SUBSYS_NFTABLES << 8) | type, true);
  view.setUint32(12, 1, true);
  bytes[16] = family;
  bytes.set(w.written(), 20);
  return bytes;
}
const table = (name: string, family?: number): Uint8Array => message(m.NFT_MSG_NEWTABLE, (w) => tableTable.encode(w, { name }), family);
const generation = (id: number): Uint8Array =>
  message(m.NFT_MSG_NEWGEN, (w) => {
    w.be32(1, id);
    w.be32(2, 42);
    w.string(3, `writer${id}`);
  });
function batch(...pieces: readonly (Uint8Array | typeof OVERRUN)[]): NativeEventBatch {
  const bytes: number[] = [];
  const index = pieces.map((piece) => (typeof piece === 'number' ? OVERRUN : bytes.push(...piece) - piece.length));
  return { data: Uint8Array.from(bytes).buffer, index: Uint32Array.from(index) };
}

/** A log of table `ip t` that begins in generation 4294967294 (generations go round, and leave out 0), with what comes then. */
const FIRST = 0xfffffffe;
function log(now: number, ...batches: NativeEventBatch[]): CommitLog {
  let asked = 0;
  const source = {
    take: () => batches.shift(),
    generation: () => ({ generation: asked++ === 0 ? FIRST : now }),
    close: () => undefined,
  };
  const connection = { portId: 9, subscribe: () => ({ source, forget: () => undefined }) };
  return new CommitLog(connection as unknown as Connection, [{ family: 'ip', name: 't' }]);
}
const since = (l: CommitLog, from: number): number | undefined => runSync(l.untouchedSince(from));

it('commits elsewhere, and who has made the last', () => {
  const l = log(1, batch(table('x'), generation(FIRST + 1), table('t', m.families.ip6)), batch(generation(1)));
  assert.equal(since(l, FIRST), 1);
  assert.deepEqual(l.writer(), { process: 'writer1', tid: 42 });
  assert.equal(since(l, FIRST - 1), undefined, 'nobody listened then');
});

it('a commit that has touched the table', () => {
  const l = log(1, batch(table('x'), table('t'), generation(FIRST + 1), table('x'), generation(1)));
  assert.equal(since(l, FIRST), undefined);
  assert.equal(since(l, FIRST + 1), 1);
});

it('what is lost, or missing, counts as touching', () => {
  const lost = log(1, batch(OVERRUN));
  assert.equal(since(lost, FIRST), undefined);
  assert.equal(since(lost, 1), 1);
  const missing = log(1, batch(table('x'), generation(1)));
  assert.equal(since(missing, FIRST), undefined);
  assert.equal(since(missing, 1), 1);
});

it('a closed one knows nothing', () => {
  const l = log(FIRST);
  assert.equal(since(l, FIRST), FIRST);
  l.connectionClosed();
  assert.equal(l.listens, false);
  assert.equal(since(l, FIRST), undefined);
  assert.equal(l.writer(), undefined);
});
