// Sets and objects on the wire, as far as they are read: names, types, flags (enum nft_set_attributes, nft_object_attributes).
import { be32, be64, bytes, flags, string, words } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, optional } from '../../wire/table.ts';
import { NAME_MAX } from '../expressions/data.ts';

const setShape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(2, string(NAME_MAX)),
  flags: optional(
    3,
    flags(be32, { anonymous: 1, constant: 2, interval: 4, map: 8, timeout: 16, eval: 32, object: 64, concat: 128, expr: 256 }),
  ),
  keyType: optional(4, be32),
  /** Bytes. */
  keyLen: optional(5, be32),
  dataType: optional(6, be32),
  dataLen: optional(7, be32),
  policy: optional(8, words(be32, { performance: 0, memory: 1 })),
  /** Milliseconds. */
  timeout: optional(11, be64),
  /** Milliseconds. */
  gcInterval: optional(12, be32),
  userdata: optional(13, bytes(256)),
  objType: optional(15, be32),
  handle: optional(16, be64),
};
export type SetAttributes = Fields<typeof setShape>;
export const setTable: AttributeTable<SetAttributes> = attributes(setShape);

const objectShape = {
  table: optional(1, string(NAME_MAX)),
  name: optional(2, string(NAME_MAX)),
  /** NFT_OBJECT_*. */
  // biome-ignore format: a line holds what belongs together
  kind: optional(3, words(be32, {
    counter: 1, quota: 2, 'ct helper': 3, limit: 4, connlimit: 5, tunnel: 6, 'ct timeout': 7, secmark: 8, 'ct expectation': 9, synproxy: 10,
  })),
  use: optional(5, be32),
  handle: optional(6, be64),
};
export type ObjectAttributes = Fields<typeof objectShape>;
export const objectTable: AttributeTable<ObjectAttributes> = attributes(objectShape);

/** nft's data types by number: what a set's key type holds, 6 bits a field of a concatenation (nft's datatype.h). */
// biome-ignore format: a line holds what belongs together
const datatypes = [
  'invalid', 'verdict', 'nf_proto', 'bitmask', 'integer', 'string', 'll_addr', 'ipv4_addr', 'ipv6_addr', 'ether_addr', 'ether_type', 'arp_op',
  'inet_proto', 'inet_service', 'icmp_type', 'tcp_flag', 'dccp_pkttype', 'mh_type', 'time', 'mark', 'iface_index', 'iface_type', 'realm', 'classid',
  'uid', 'gid', 'ct_state', 'ct_dir', 'ct_status', 'icmpv6_type', 'ct_label', 'pkt_type', 'icmp_code', 'icmpv6_code', 'icmpx_code', 'devgroup',
  'dscp', 'ecn', 'fib_addrtype', 'boolean', 'ct_event', 'ifname', 'igmp_type', 'time_type', 'hour', 'day', 'cgroupsv2',
] as const;
const TYPE_BITS = 6;
const VERDICT_TYPE = 0xffffff00;

/** The words of a type number; numbers without a word stay decimal text. */
export function datatypeNames(type: number): string | readonly string[] {
  if (type === VERDICT_TYPE) return 'verdict';
  const names: string[] = [];
  for (let rest = type; ; rest >>>= TYPE_BITS) {
    const number = rest & ((1 << TYPE_BITS) - 1);
    names.unshift(datatypes[number] ?? String(number));
    if (rest >>> TYPE_BITS === 0) break;
  }
  return names.length === 1 ? (names[0] as string) : names;
}
