// From the message of an event to the object it is about.
import { type Message, readMessage } from '../../wire/attributes.ts';
import type { AttributeTable } from '../../wire/table.ts';
import { chainTable } from '../objects/chain.ts';
import { elementListTable } from '../objects/element.ts';
import { flowtableModel, flowtableTable } from '../objects/flowtable.ts';
import { hookName } from '../objects/hooks.ts';
import * as m from '../objects/messages.ts';
import { objectModel, objectTable } from '../objects/object.ts';
import { setTable } from '../objects/set.ts';
import { tableTable } from '../objects/table.ts';
import { commentOf } from '../objects/userdata.ts';
import { isMap, setModel } from '../sets/model.ts';
import { present } from './present.ts';
import { EventRule } from './rule.ts';
import type { ChangedChain, ChangedElements, ChangedObject, ChangedSet, ChangedTable } from './types.ts';

type Reader = (bytes: Uint8Array, message: Message) => ChangedObject | undefined;

/** Reads with a table; undefined, as the table does, where the message is not of its shape. */
function reader<T extends object>(table: AttributeTable<T>, model: (message: Message, attributes: T) => ChangedObject): Reader {
  return (bytes, message) => {
    const attributes = table.decode(bytes, message.start, message.end);
    return attributes === undefined ? undefined : model(message, attributes);
  };
}

const tableReader = reader(tableTable, ({ family }, a) => ({
  table: present({
    family: m.familyName(family),
    name: a.name ?? '',
    handle: a.handle,
    flags: a.flags === undefined || a.flags.length === 0 ? undefined : a.flags.map(String),
    comment: commentOf(a.userdata),
  }) as ChangedTable,
}));

const chainReader = reader(chainTable, (message, a) => {
  const family = m.familyName(message.family);
  const { hook } = a;
  return {
    chain: present({
      family,
      table: a.table ?? '',
      name: a.name ?? '',
      handle: a.handle,
      type: a.type,
      hook: hook?.hooknum === undefined ? undefined : hookName(family, hook.hooknum),
      prio: hook?.priority,
      policy: a.policy,
      dev: hook?.devs ?? (hook?.dev === undefined ? undefined : [hook.dev]),
      anonymous: a.flags?.includes('binding') === true ? true : undefined,
      comment: commentOf(a.userdata),
    }) as ChangedChain,
  };
});

const ruleReader: Reader = (bytes, message) => ({ rule: new EventRule(message.family, bytes, message.start, message.end) });

const setReader = reader(setTable, (message, a) => {
  const family = m.familyName(message.family);
  // Of a deleted set nf_tables_fill_set() tells no more, whether it was a set or a map.
  if (message.type === m.NFT_MSG_DELSET && a.keyType === undefined) {
    return { set: present({ family, table: a.table ?? '', name: a.name ?? '', handle: a.handle }) satisfies ChangedSet };
  }
  const set = setModel(family, a);
  return (isMap(a) ? { map: set } : { set }) as ChangedObject;
});

const elementReader = reader(elementListTable, ({ family }, a) => ({
  element: { family: m.familyName(family), table: a.table ?? '', name: a.set ?? '', elem: a.elements ?? [] } satisfies ChangedElements,
}));

const objectReader = reader(objectTable, ({ family }, a) => {
  const object = objectModel(m.familyName(family), a);
  return { [object.kind]: object };
});

const flowtableReader = reader(flowtableTable, ({ family }, a) => ({ flowtable: flowtableModel(m.familyName(family), a) }));

const readers: Readonly<Record<number, Reader>> = {
  [m.NFT_MSG_NEWTABLE]: tableReader,
  [m.NFT_MSG_DELTABLE]: tableReader,
  [m.NFT_MSG_NEWCHAIN]: chainReader,
  [m.NFT_MSG_DELCHAIN]: chainReader,
  [m.NFT_MSG_NEWRULE]: ruleReader,
  [m.NFT_MSG_DELRULE]: ruleReader,
  [m.NFT_MSG_NEWSET]: setReader,
  [m.NFT_MSG_DELSET]: setReader,
  [m.NFT_MSG_NEWSETELEM]: elementReader,
  [m.NFT_MSG_DELSETELEM]: elementReader,
  [m.NFT_MSG_NEWOBJ]: objectReader,
  [m.NFT_MSG_DELOBJ]: objectReader,
  [m.NFT_MSG_NEWFLOWTABLE]: flowtableReader,
  [m.NFT_MSG_DELFLOWTABLE]: flowtableReader,
};

const deleting: ReadonlySet<number> = new Set([
  m.NFT_MSG_DELTABLE,
  m.NFT_MSG_DELCHAIN,
  m.NFT_MSG_DELRULE,
  m.NFT_MSG_DELSET,
  m.NFT_MSG_DELSETELEM,
  m.NFT_MSG_DELOBJ,
  m.NFT_MSG_DELFLOWTABLE,
]);

/** The message at `at` of a batch; what no table reads is kept as its bytes. */
export function decodeObject(bytes: Uint8Array, at: number): ChangedObject {
  const message = readMessage(bytes, at);
  const object = readers[message.type]?.(bytes, message);
  return object ?? { unknown: { type: message.type, family: message.family, data: bytes.slice(message.start, message.end) } };
}

/** The kernel announces no flush: it deletes one by one, but for a set, whose elements it need not name. */
export function verbOf(type: number, object: () => ChangedObject): 'add' | 'delete' | 'flush' {
  if (!deleting.has(type)) return 'add';
  if (type !== m.NFT_MSG_DELSETELEM) return 'delete';
  const { element } = object() as { readonly element?: ChangedElements };
  return element !== undefined && element.elem.length === 0 ? 'flush' : 'delete';
}
