// Resets of set elements: of those named, a request each; of a whole set, a dump.
import type { Connection } from '../connection.ts';
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { ElementInput } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import type { Message } from '../wire/attributes.ts';
import { EncodeError } from '../wire/errors.ts';
import { show } from '../wire/kinds.ts';
import { type Input, nameIn, only } from './input/kind.ts';
import { elementListTable, elementsIn } from './objects/element.ts';
import * as m from './objects/messages.ts';
import { type ElementQuery, getElement } from './sets/get-element.ts';
import { readSet } from './sets/look.ts';
import { setElements } from './sets/model.ts';
import { setInfoOf } from './sets/set-info.ts';

/** Throws EncodeError. Whether a key fits the set is known only when that is looked at, after the batch. */
export function elementQueries(input: Input): readonly ElementQuery[] {
  only(input, ['family', 'table', 'name', 'elem']);
  const { family, elem } = input;
  m.familyNumber(family);
  if (!Array.isArray(elem)) throw new EncodeError('elem', `a list is needed, not ${show(elem)}`);
  const set = { family: family as ElementQuery['family'], table: nameIn(input, 'table'), name: nameIn(input, 'name') };
  return (elem as readonly ElementInput[]).map((one) => ({ ...set, elem: one }));
}

/** As they were before, in the order of the queries. Ends at the first that isn't there: ENOENT. */
export function* resetElements(connection: Connection, queries: readonly ElementQuery[]): Verb<readonly ElementInput[]> {
  const out: ElementInput[] = [];
  for (const [i, query] of queries.entries()) {
    const found = yield* getElement(connection, query, m.NFT_MSG_GETSETELEM_RESET);
    if (found === undefined) {
      const done = i === 0 ? '' : `; ${i} before it were reset, and what they had counted is lost`;
      throw new NetfilterError(`elem[${i}]: no such element (ENOENT)${done}`, {
        code: 'ENOENT',
        errno: ENOENT,
        outcome: i === 0 ? 'not-applied' : 'partly-applied',
      });
    }
    out.push(found);
  }
  return out;
}

/** The elements of a dump with the set's own words. `request` named the set. */
export function* readElements(
  connection: Connection,
  family: number,
  request: Uint8Array,
  data: Uint8Array,
  messages: readonly Message[],
): Verb<readonly ElementInput[]> {
  const { table = '', set = '' } = elementListTable.decode(request, 0, request.length) ?? {};
  const info = setInfoOf(yield* readSet(connection, { family, table, name: set }));
  return setElements(info, elementsIn(data, messages));
}
