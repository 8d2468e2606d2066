// Sets and maps on the wire (enum nft_set_attributes, nft_set_desc_attributes), in the order libnftnl writes them.
import { be32, be64, bytes, flags, list, string, words } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';
import { statefulExpression, statefulExpressions } from '../expressions/stateful.ts';
import { USERDATA_MAX } from './userdata.ts';

/** NFT_SET_*, by their names in the kernel. */
export const SET_FLAGS = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 16,
  eval: 32,
  object: 64,
  concat: 128,
  expr: 256,
} as const;

const fieldShape = {
  /** Bytes (the kernel's header says bits; nft_set_desc_concat_parse takes bytes). */
  len: optional(1, be32),
};
const descShape = {
  /** The most elements the set may hold. */
  size: optional(1, be32),
  /** The fields of a concatenation that holds ranges. */
  concat: optional(2, list(nested(attributes(fieldShape)))),
};

const setShape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(2, string(NAME_MAX)),
  handle: optional(16, be64),
  flags: optional(3, flags(be32, SET_FLAGS)),
  keyType: optional(4, be32),
  /** Bytes. */
  keyLen: optional(5, be32),
  /** 0xffffff00: verdicts. */
  dataType: optional(6, be32),
  dataLen: optional(7, be32),
  /** NFT_OBJECT_*. */
  objType: optional(15, be32),
  /** Names the set inside its batch. */
  id: optional(10, be32),
  policy: optional(8, words(be32, { performance: 0, memory: 1 })),
  desc: optional(9, nested(attributes(descShape))),
  /** Milliseconds. */
  timeout: optional(11, be64),
  /** Milliseconds. */
  gcInterval: optional(12, be32),
  userdata: optional(13, bytes(USERDATA_MAX)),
  /** One stateful expression; two and more stand in `expressions`. */
  expr: optional(17, statefulExpression),
  expressions: optional(18, statefulExpressions),
  /** The kernel's backend, from Linux 6.16 on: `hash`, `rbtree`, … */
  type: optional(19, string()),
  /** How many elements it holds; from Linux 6.16 on. */
  count: optional(20, be32),
};
export type SetAttributes = Fields<typeof setShape>;
export const setTable: AttributeTable<SetAttributes> = attributes(setShape);
