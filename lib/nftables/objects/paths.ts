// Which attribute of a message the kernel means: NLMSGERR_ATTR_OFFS to a dotted path, by the message's own table.
import { chainTable } from './chain.ts';
import { elementListTable } from './element.ts';
import { flowtableTable } from './flowtable.ts';
import * as m from './messages.ts';
import { objectTable } from './object.ts';
import { ruleTable } from './rule.ts';
import { setTable } from './set.ts';
import { tableTable } from './table.ts';

interface Pathed {
  path(bytes: Uint8Array, start: number, end: number, offset: number): string;
}

const tables: Readonly<Record<number, Pathed>> = {
  [m.NFT_MSG_NEWTABLE]: tableTable,
  [m.NFT_MSG_DELTABLE]: tableTable,
  [m.NFT_MSG_DESTROYTABLE]: tableTable,
  [m.NFT_MSG_NEWCHAIN]: chainTable,
  [m.NFT_MSG_DELCHAIN]: chainTable,
  [m.NFT_MSG_DESTROYCHAIN]: chainTable,
  [m.NFT_MSG_NEWRULE]: ruleTable,
  [m.NFT_MSG_DELRULE]: ruleTable,
  [m.NFT_MSG_DESTROYRULE]: ruleTable,
  [m.NFT_MSG_NEWSET]: setTable,
  [m.NFT_MSG_DELSET]: setTable,
  [m.NFT_MSG_DESTROYSET]: setTable,
  [m.NFT_MSG_NEWSETELEM]: elementListTable,
  [m.NFT_MSG_DELSETELEM]: elementListTable,
  [m.NFT_MSG_DESTROYSETELEM]: elementListTable,
  [m.NFT_MSG_NEWOBJ]: objectTable,
  [m.NFT_MSG_DELOBJ]: objectTable,
  [m.NFT_MSG_DESTROYOBJ]: objectTable,
  [m.NFT_MSG_NEWFLOWTABLE]: flowtableTable,
  [m.NFT_MSG_DELFLOWTABLE]: flowtableTable,
  [m.NFT_MSG_DESTROYFLOWTABLE]: flowtableTable,
};

/** The path of the attribute at `offset` of a message's attributes, such as `expressions[2].key`. */
export function pathAt(type: number, attributes: Uint8Array, offset: number): string | undefined {
  const path = tables[type]?.path(attributes, 0, attributes.length, offset);
  return path === '' ? undefined : path;
}
