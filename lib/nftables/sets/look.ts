// Sets that a transaction needs to know and hasn't added itself: remembered on the connection for one generation, else
// asked of the kernel before the batch is sent.
import type { Connection } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import type { NativeElementReply } from '../../native.ts';
import type { Verb } from '../../run.ts';
import { readMessage } from '../../wire/attributes.ts';
import { DecodeError } from '../../wire/errors.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import { type ElementAttributes, elementListTable, elementsIn } from '../objects/element.ts';
import * as m from '../objects/messages.ts';
import { type SetAttributes, setTable } from '../objects/set.ts';
import { tableTable } from '../objects/table.ts';
import { dump, dumpElements, nftType, request } from '../read.ts';
import { entriesOf } from './element-operations.ts';
import { type SetName, type SetNeed, setKey } from './scope.ts';
import { type SetInfo, setInfoOf } from './set-info.ts';

interface Remembered {
  generation: number;
  readonly sets: Map<string, SetInfo>;
}
const memory = new WeakMap<Connection, Remembered>();

function remembered(connection: Connection, generation: number): Map<string, SetInfo> {
  const known = memory.get(connection);
  if (known?.generation === generation) return known.sets;
  const sets = new Map<string, SetInfo>();
  memory.set(connection, { generation, sets });
  return sets;
}

/** A commit of this connection that changed no set or table moved the generation: what is remembered still holds. */
export function carryOver(connection: Connection, from: number, to: number): void {
  const known = memory.get(connection);
  if (known?.generation === from) known.generation = to;
}

/** The set as the kernel has it. ENOENT where there is none. */
export function* readSet(connection: Connection, set: SetName): Verb<SetAttributes> {
  const w = new AttributeWriter(64);
  setTable.encode(w, { table: set.table, name: set.name });
  const bytes = yield* request(connection, `set ${set.name}`, nftType(m.NFT_MSG_GETSET), set.family, w.written());
  const message = readMessage(bytes, 0);
  const attributes = setTable.decode(bytes, message.start, message.end);
  if (attributes === undefined) throw new DecodeError('a set with an attribute twice', 0);
  return attributes;
}

function naming(set: SetName): Uint8Array {
  const w = new AttributeWriter(64);
  elementListTable.encode(w, { table: set.table, set: set.name });
  return w.written();
}

export function* elementsOfSet(connection: Connection, set: SetName): Verb<ElementAttributes[]> {
  const reply = yield* dump(connection, `elements of ${set.name}`, m.NFT_MSG_GETSETELEM, set.family, naming(set));
  const bytes = new Uint8Array(reply.data);
  return elementsIn(
    bytes,
    Array.from(reply.index, (at) => readMessage(bytes, at)),
  );
}

/** ENOENT where there is no such set. */
export function* countElements(connection: Connection, set: SetName): Verb<number> {
  return (yield* dumpElements(connection, `number of elements of ${set.name}`, set.family, naming(set), false)).elements;
}

/** The elements of a set, with what each has counted. ENOENT where there is no such set. */
export function countedElements(connection: Connection, set: SetName): Verb<NativeElementReply> {
  return dumpElements(connection, `counters of elements of ${set.name}`, set.family, naming(set), true);
}

/** The need with what deletions by handle have emptied. `seen` spares asking again. */
export function* withHandles(connection: Connection, need: SetNeed, seen: Map<string, bigint | undefined>): Verb<SetNeed> {
  if (need.handles === undefined) return need;
  let { emptied } = need;
  for (const { kind, handle, at } of need.handles) {
    const key = `${kind} ${setKey(need)}`;
    if (!seen.has(key)) seen.set(key, yield* handleOf(connection, kind, need));
    if (seen.get(key) === handle) emptied = Math.max(emptied, at);
  }
  return { ...need, emptied };
}

function* handleOf(connection: Connection, kind: 'table' | 'set', set: SetName): Verb<bigint | undefined> {
  try {
    return kind === 'set' ? (yield* readSet(connection, set)).handle : yield* readTableHandle(connection, set);
  } catch (err) {
    if (err instanceof NetfilterError && err.code === 'ENOENT') return undefined;
    throw err;
  }
}

function* readTableHandle(connection: Connection, { family, table }: SetName): Verb<bigint | undefined> {
  const w = new AttributeWriter(64);
  tableTable.encode(w, { name: table });
  const bytes = yield* request(connection, `table ${table}`, nftType(m.NFT_MSG_GETTABLE), family, w.written());
  const message = readMessage(bytes, 0);
  return tableTable.decode(bytes, message.start, message.end)?.handle;
}

/** What an operation has to know, as of `generation`. Elements are read where ranges are merged with what is there. */
export function* lookAt(connection: Connection, need: Omit<SetNeed, 'write'>, generation: number): Verb<SetInfo> {
  if (need.known?.entries !== undefined) return need.known;
  // Emptied and named again: it is what the transaction says, whatever the kernel has until then.
  if (need.known !== undefined && need.emptied > 0) return { ...need.known, entries: [] };
  const sets = remembered(connection, generation);
  let info = sets.get(setKey(need));
  if (info === undefined) {
    try {
      info = setInfoOf(yield* readSet(connection, need));
    } catch (err) {
      if (need.known === undefined || !(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
      return { ...need.known, entries: [] };
    }
    sets.set(setKey(need), info);
  }
  const found = need.known === undefined ? info : { ...info, ...need.known };
  if (!found.autoMerge) return found;
  return { ...found, entries: need.emptied > 0 ? [] : entriesOf(yield* elementsOfSet(connection, need)) };
}
