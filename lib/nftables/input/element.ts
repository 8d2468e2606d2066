// Elements of sets and maps in a transaction.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import * as m from '../objects/messages.ts';
import { isPacked, writeElements } from '../sets/element-operations.ts';
import { hasFlag, type SetInfo } from '../sets/set-info.ts';
import { type Input, nameIn, type ObjectKind, only, type WriteContext } from './kind.ts';

export const element: ObjectKind = {
  verbs: {
    add: { type: m.NFT_MSG_NEWSETELEM, flags: m.NLM_F_CREATE },
    create: { type: m.NFT_MSG_NEWSETELEM, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
    delete: { type: m.NFT_MSG_DELSETELEM, flags: 0 },
    destroy: { type: m.NFT_MSG_DESTROYSETELEM, flags: 0 },
    // Written by reset.ts, an element a message: the kernel answers each with one of its own.
    reset: { type: m.NFT_MSG_GETSETELEM_RESET, flags: 0 },
  },
  write,
};

function write(input: Input, c: WriteContext): void {
  only(input, ['family', 'table', 'name', 'elem', 'strict']);
  const family = m.familyNumber(input['family']);
  const set = { family, table: nameIn(input, 'table'), name: nameIn(input, 'name') };
  const elem = input['elem'];
  if (elem === undefined) throw new EncodeError('elem', 'is missing');
  if (elem === null || (isPacked(elem) && !(elem.keys instanceof Uint8Array))) {
    throw new EncodeError('elem.keys', `bytes are needed, not ${show(elem === null ? elem : elem.keys)}`);
  }
  const info = c.sets.find(set);
  if (info !== undefined && !info.autoMerge) return writeElements(info, set, elem, { ...c, type: messageFor(info, input, c) });
  // The caller may change it between now and the commit.
  const copy = isPacked(elem) ? { ...elem, keys: elem.keys.slice() } : Array.isArray(elem) ? elem.slice() : elem;
  c.defer({
    ...set,
    ...c.sets.history(set),
    ...(info === undefined ? {} : { known: info }),
    write: (found, late) => writeElements(found, set, copy, { ...late, flags: c.flags, type: messageFor(found, input, c) }),
  });
}

/** An element whose time is over may be gone before its deletion arrives: no error unless `strict` asks for one. */
function messageFor(info: SetInfo, input: Input, c: WriteContext): number {
  const mayExpire = c.verb === 'delete' && hasFlag(info, 'timeout') && input['strict'] !== true;
  return mayExpire ? m.NFT_MSG_DESTROYSETELEM : c.type;
}
