// Tables on the wire (enum nft_table_attributes; nf_tables_api.c nf_tables_newtable).
import { be32, be64, bytes, flags, string } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import { USERDATA_MAX } from './userdata.ts';

const shape = {
  name: optional(1, string(NAME_MAX)),
  handle: optional(4, be64),
  flags: optional(2, flags(be32, { dormant: 1, owner: 2, persist: 4 })),
  /** How many chains, sets and objects it holds. */
  use: optional(3, be32),
  userdata: optional(6, bytes(USERDATA_MAX)),
  /** Port id of the socket that owns it. */
  owner: optional(7, be32),
};
export type TableAttributes = Fields<typeof shape>;
export const tableTable: AttributeTable<TableAttributes> = attributes(shape);
