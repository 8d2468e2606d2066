// Sets and their elements as the kernel dumps them, attribute by attribute, with what differs between two equal ones left
// out: handles, remaining times, the order of hashed elements.
import { Connection } from '../../lib/connection.ts';
import { elementListTable } from '../../lib/nftables/objects/element.ts';
import { familyName, NFT_MSG_GETSET, NFT_MSG_GETSETELEM } from '../../lib/nftables/objects/messages.ts';
import { setTable } from '../../lib/nftables/objects/set.ts';
import { dump } from '../../lib/nftables/read.ts';
import { runSync } from '../../lib/run.ts';
import { align4, attributeLength, attributeType, readMessage } from '../../lib/wire/attributes.ts';
import { AttributeWriter } from '../../lib/wire/writer.ts';

const NFTA_SET_HANDLE = 16;
const NFTA_SET_ELEM_EXPIRATION = 5;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;

/** By `family table name`: the set's attributes and the sorted ones of its elements, `number:hex`. */
export function rawSets(netns: string): Record<string, { readonly set: string; readonly elements: readonly string[] }> {
  const connection = runSync(Connection.open(netns));
  try {
    const reply = runSync(dump(connection, 'sets', NFT_MSG_GETSET, 0));
    const bytes = new Uint8Array(reply.data);
    const out: Record<string, { set: string; elements: string[] }> = {};
    for (const at of reply.index) {
      const message = readMessage(bytes, at);
      const { table = '', name = '' } = setTable.decode(bytes, message.start, message.end) ?? {};
      const w = new AttributeWriter();
      elementListTable.encode(w, { table, set: name });
      const list = runSync(dump(connection, 'elements', NFT_MSG_GETSETELEM, message.family, w.written()));
      out[`${familyName(message.family)} ${table} ${name}`] = {
        set: shown(bytes, message.start, message.end, NFTA_SET_HANDLE),
        elements: elements(new Uint8Array(list.data), list.index).sort(),
      };
    }
    return out;
  } finally {
    connection.closeSync();
  }
}

function elements(bytes: Uint8Array, index: Uint32Array): string[] {
  const out: string[] = [];
  for (const at of index) {
    const message = readMessage(bytes, at);
    for (const a of attributes(bytes, message.start, message.end)) {
      if (a.type !== NFTA_SET_ELEM_LIST_ELEMENTS) continue;
      for (const e of attributes(bytes, a.start, a.end)) out.push(shown(bytes, e.start, e.end, NFTA_SET_ELEM_EXPIRATION));
    }
  }
  return out;
}

function shown(bytes: Uint8Array, start: number, end: number, hidden: number): string {
  return attributes(bytes, start, end)
    .filter((a) => a.type !== hidden)
    .map((a) => `${a.type}:${Buffer.from(bytes.subarray(a.start, a.end)).toString('hex')}`)
    .join(' ');
}

function attributes(bytes: Uint8Array, start: number, end: number): { type: number; start: number; end: number }[] {
  const out = [];
  for (let at = start; at < end; at += align4(attributeLength(bytes, at, end))) {
    out.push({ type: attributeType(bytes, at), start: at + 4, end: at + attributeLength(bytes, at, end) });
  }
  return out;
}
