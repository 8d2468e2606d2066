// Which attribute of a message the kernel means: NLMSGERR_ATTR_OFFS to a dotted path, by the message's own table.
import { chainTable } from './chain.ts';
import * as m from './messages.ts';
import { ruleTable } from './rule.ts';
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
};

/** The path of the attribute at `offset` of a message's attributes, such as `expressions[2].key`. */
export function pathAt(type: number, attributes: Uint8Array, offset: number): string | undefined {
  const path = tables[type]?.path(attributes, 0, attributes.length, offset);
  return path === '' ? undefined : path;
}
