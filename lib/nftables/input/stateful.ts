// Named objects in a transaction: counter, quota, limit, ct helper and their like, all written alike.
import * as m from '../objects/messages.ts';
import { objectAttributes, objectTable } from '../objects/object.ts';
import { type StatefulName, statefulKinds } from '../objects/stateful/index.ts';
import type { StatefulKind } from '../objects/stateful/kind.ts';
import { given, handleIn, type Input, nameIn, type ObjectKind, type WriteContext } from './kind.ts';
import { inWords, type Renames, userPath } from './user-paths.ts';

function objectKind(name: StatefulName, kind: StatefulKind): ObjectKind {
  return {
    verbs: {
      // For one that is there: an update where its kind has one (quota, synproxy), otherwise nothing happens.
      add: { type: m.NFT_MSG_NEWOBJ, flags: m.NLM_F_CREATE },
      create: { type: m.NFT_MSG_NEWOBJ, flags: m.NLM_F_CREATE | m.NLM_F_EXCL },
      delete: { type: m.NFT_MSG_DELOBJ, flags: 0 },
      destroy: { type: m.NFT_MSG_DESTROYOBJ, flags: 0 },
      ...(kind.resettable ? { reset: { type: m.NFT_MSG_GETOBJ_RESET, flags: 0 } } : {}),
    },
    write: (input, c) => write(name, input, c),
  };
}

/** A tunnel's addresses and options are flat words. */
const renames: Renames = [
  ['data.ip.', ''],
  ['data.ip6.', ''],
  ['data.opts.', ''],
  ['data.', ''],
];

function write(kind: StatefulName, input: Input, c: WriteContext): void {
  const locate = (path: string): string => userPath(renames, path);
  const header = { type: c.type, flags: c.flags, family: m.familyNumber(input['family']), locate };
  const table = nameIn(input, 'table');
  if (c.verb === 'add' || c.verb === 'create') {
    nameIn(input, 'name');
    inWords(renames, () => objectTable.encode(c.w, objectAttributes(kind, input)));
    return c.emit(header);
  }
  // The kernel gets by name only (nf_tables_getobj_single).
  const handle = c.verb === 'reset' ? undefined : handleIn(input);
  objectTable.encode(c.w, { table, ...(handle === undefined ? { name: nameIn(input, 'name') } : {}), kind, ...given('handle', handle) });
  c.emit(header);
}

export const stateful = Object.fromEntries(
  Object.entries(statefulKinds).map(([name, kind]) => [name, objectKind(name as StatefulName, kind)]),
) as Readonly<Record<StatefulName, ObjectKind>>;
