// Set elements on the wire (enum nft_set_elem_attributes, nft_set_elem_list_attributes), in the order libnftnl writes them.
import type { Message } from '../../wire/attributes.ts';
import { be32, be64, bytes, flags, list, string } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX, value, valueOrVerdict } from '../expressions/data.ts';
import { statefulExpression, statefulExpressions } from '../expressions/stateful.ts';
import { USERDATA_MAX } from './userdata.ts';

const elementShape = {
  flags: optional(3, flags(be32, { 'interval end': 1, 'catch-all': 2 })),
  /** Milliseconds; 0 is never. */
  timeout: optional(4, be64),
  /** Milliseconds that remain. */
  expiration: optional(5, be64),
  key: optional(1, value),
  keyEnd: optional(10, value),
  data: optional(2, valueOrVerdict),
  userdata: optional(6, bytes(USERDATA_MAX)),
  /** The name of a stateful object. */
  objref: optional(9, string(NAME_MAX)),
  /** One stateful expression; two and more stand in `expressions`. */
  expr: optional(7, statefulExpression),
  expressions: optional(11, statefulExpressions),
};
export type ElementAttributes = Fields<typeof elementShape>;
export const elementTable: AttributeTable<ElementAttributes> = attributes(elementShape);

const listShape = {
  table: optional(1, string(NAME_MAX)),
  set: optional(2, string(NAME_MAX)),
  /** The set of the same batch that has this NFTA_SET_ID. */
  setId: optional(4, be32),
  elements: optional(3, list(nested(elementTable))),
};
export type ElementListAttributes = Fields<typeof listShape>;
export const elementListTable: AttributeTable<ElementListAttributes> = attributes(listShape);

/** The elements of a dump, message by message. */
export function elementsIn(bytes: Uint8Array, messages: Iterable<Message>): ElementAttributes[] {
  const out: ElementAttributes[] = [];
  for (const { start, end } of messages)
    for (const element of elementListTable.decode(bytes, start, end)?.elements ?? []) out.push(element);
  return out;
}

/** What is about to expire, in the form that is taken back: 0 ms left would mean the whole time (nft_add_set_elem). */
export function livingOn<E extends { readonly expiration?: bigint }>(e: E): E {
  return e.expiration === 0n ? { ...e, expiration: 1n } : e;
}
