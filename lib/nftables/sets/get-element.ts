// Looks one element up without a dump, as `nft get element` does.
import type { Connection } from '../../connection.ts';
import { NetfilterError } from '../../errors.ts';
import type { ElementInput, Family } from '../../model/ruleset.ts';
import type { Verb } from '../../run.ts';
import { readMessage } from '../../wire/attributes.ts';
import { EncodeError } from '../../wire/errors.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import { type ElementAttributes, elementListTable } from '../objects/element.ts';
import * as m from '../objects/messages.ts';
import { nftType, readGeneration, request } from '../read.ts';
import { elementList, plainElements } from './decoded.ts';
import { readElementInput } from './element-input.ts';
import { lookAt } from './look.ts';
import { elementModel } from './model.ts';
import type { SetName } from './scope.ts';
import { endsApart, keyHasEnd } from './set-info.ts';

export interface ElementQuery {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  /** The key, in the forms of `elem`; in a set of ranges any key inside one finds it. */
  readonly elem: ElementInput;
}

/**
 * The element as a snapshot shows it; undefined where it isn't there. ENOENT where there is no such set. `message`:
 * NFT_MSG_GETSETELEM, or _RESET to put its counts to zero as they are read.
 */
export function* getElement(connection: Connection, q: ElementQuery, message = m.NFT_MSG_GETSETELEM): Verb<ElementInput | undefined> {
  const set = { family: m.familyNumber(q.family), table: q.table, name: q.name };
  const { generation } = yield* readGeneration(connection);
  const info = yield* lookAt(connection, { ...set, emptied: 1 }, generation);
  let keys: ReturnType<typeof readElementInput>;
  try {
    keys = readElementInput(info, [q.elem], false);
  } catch (err) {
    if (!(err instanceof EncodeError)) throw err;
    const path = err.path.replace(/^elem\[0\]/, 'elem');
    throw new NetfilterError(`get element: ${path}: ${err.reason}`, { code: 'ERR_INVALID_ARG', cause: err });
  }
  const entry = keys.entries[0];
  if (entry === undefined) {
    const found = yield* ask(connection, set, { flags: ['catch-all'] }, message);
    return found && elementModel(info, plainElements([found])[0] ?? { rest: {} });
  }
  const start = yield* ask(connection, set, { key: entry.low, ...(keyHasEnd(info) ? { keyEnd: entry.high } : {}) }, message);
  if (start === undefined) return undefined;
  if (!endsApart(info)) return elementModel(info, plainElements([start])[0] ?? { rest: {} });
  // The range's other end is an element of its own.
  const end = yield* ask(connection, set, { key: entry.high, flags: ['interval end'] }, m.NFT_MSG_GETSETELEM);
  const found = elementList(end === undefined ? [start] : [start, end])[0];
  return found && elementModel(info, found);
}

function* ask(connection: Connection, set: SetName, element: ElementAttributes, message: number): Verb<ElementAttributes | undefined> {
  const w = new AttributeWriter(128);
  elementListTable.encode(w, { table: set.table, set: set.name, elements: [element] });
  try {
    const bytes = yield* request(connection, `element of ${set.name}`, nftType(message), set.family, w.written());
    const { start, end } = readMessage(bytes, 0);
    return elementListTable.decode(bytes, start, end)?.elements?.[0];
  } catch (err) {
    // The last range of all has no end: the kernel then answers nothing at all.
    if (err instanceof NetfilterError && (err.code === 'ENOENT' || err.code === 'ERR_NO_REPLY')) return undefined;
    throw err;
  }
}
