// Chains on the wire (enum nft_chain_attributes, nft_hook_attributes; nf_tables_api.c nft_chain_parse_hook).
import { be32, be64, beInt32, bytes, flags, string, words } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import { device, devices } from './devices.ts';
import { USERDATA_MAX } from './userdata.ts';

const hookShape = {
  hooknum: optional(1, be32),
  priority: optional(2, beInt32),
  dev: optional(3, device),
  devs: optional(4, devices),
};
const counterShape = {
  packets: optional(2, be64),
  bytes: optional(1, be64),
};
const shape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(3, string(NAME_MAX)),
  hook: optional(4, nested(attributes(hookShape))),
  policy: optional(5, words(be32, { drop: 0, accept: 1 })),
  /** How many rules and elements jump here, and how many rules it holds: the kernel counts both. */
  use: optional(6, be32),
  counters: optional(8, nested(attributes(counterShape))),
  handle: optional(2, be64),
  type: optional(7, string(31)),
  flags: optional(10, flags(be32, { base: 1, 'hw-offload': 2, binding: 4 })),
  id: optional(11, be32),
  userdata: optional(12, bytes(USERDATA_MAX)),
};
export type ChainAttributes = Fields<typeof shape>;
export const chainTable: AttributeTable<ChainAttributes> = attributes(shape);
