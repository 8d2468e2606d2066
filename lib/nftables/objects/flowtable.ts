// Flowtables on the wire and in libnftables-json's words (enum nft_flowtable_attributes, nft_flowtable_hook_attributes;
// nf_tables_api.c nf_tables_newflowtable).
import type { Family } from '../../model/ruleset.ts';
import { be32, be64, beInt32, flags, string } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import { devices } from './devices.ts';
import { flowtableHooks, hookWord } from './hooks.ts';

const hookShape = {
  hooknum: optional(1, be32),
  priority: optional(2, beInt32),
  devs: optional(3, devices),
};
const shape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(2, string(NAME_MAX)),
  hook: optional(3, nested(attributes(hookShape))),
  flags: optional(7, flags(be32, { offload: 1, counter: 2 })),
  /** How many rules offload to it. */
  use: optional(4, be32),
  handle: optional(5, be64),
};
export type FlowtableAttributes = Fields<typeof shape>;
export const flowtableTable: AttributeTable<FlowtableAttributes> = attributes(shape);

export interface Flowtable {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
  readonly hook?: string;
  readonly prio?: number;
  readonly dev?: readonly string[];
  readonly flags?: readonly string[];
}

export function flowtableModel(family: Family, a: FlowtableAttributes): Flowtable {
  const { hook } = a;
  return {
    family,
    table: a.table ?? '',
    name: a.name ?? '',
    ...(a.handle === undefined ? {} : { handle: a.handle }),
    ...(hook?.hooknum === undefined ? {} : { hook: hookWord(flowtableHooks, hook.hooknum) }),
    ...(hook?.priority === undefined ? {} : { prio: hook.priority }),
    ...(hook?.devs === undefined ? {} : { dev: hook.devs }),
    ...(a.flags === undefined || a.flags.length === 0 ? {} : { flags: a.flags.map(String) }),
  };
}
