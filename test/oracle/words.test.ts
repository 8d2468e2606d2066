// Every word and flag of the tables is the number that the kernel's headers give it: a table that reads and writes the same
// wrong number is not seen by reading back.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AnyExpression } from '../../lib/nftables/expressions/expression.ts';
import { expressionTables } from '../../lib/nftables/expressions/index.ts';
import type { AttributeTable } from '../../lib/wire/table.ts';
import { constantValues } from '../support/c-constants.ts';
import { encoded, encodeExpression, expressionCase, objectCases } from '../support/wire-cases.ts';
import { propertiesOf, wordsOf } from '../support/words.ts';

/** A C constant, or a number where the headers of Debian 12 are older than the word. */
type Constant = string | number;
type Constants = Readonly<Record<string, Constant>>;

/** `NFT_META_` + the word in capitals, and what is named otherwise. */
const named = (prefix: string, words: readonly string[], others: Constants = {}): Constants =>
  Object.fromEntries(words.map((word) => [word, others[word] ?? prefix + word.toUpperCase().replaceAll(/[- ]/g, '_')]));

type Expect = (words: readonly string[]) => Constants;
const same =
  (constants: Constants): Expect =>
  () =>
    constants;

const natFlags: Expect = (words) =>
  named('NF_NAT_RANGE_', words, {
    random: 'NF_NAT_RANGE_PROTO_RANDOM',
    'fully-random': 'NF_NAT_RANGE_PROTO_RANDOM_FULLY',
  });

/** By expression or object, and property. */
const expected: Readonly<Record<string, Expect>> = {
  'bitwise.op': same({
    'mask-xor': 'NFT_BITWISE_BOOL',
    lshift: 'NFT_BITWISE_LSHIFT',
    rshift: 'NFT_BITWISE_RSHIFT',
    and: 3,
    or: 4,
    xor: 5,
  }),
  'cmp.op': same({
    '==': 'NFT_CMP_EQ',
    '!=': 'NFT_CMP_NEQ',
    '<': 'NFT_CMP_LT',
    '<=': 'NFT_CMP_LTE',
    '>': 'NFT_CMP_GT',
    '>=': 'NFT_CMP_GTE',
  }),
  'ct.key': (words) =>
    named('NFT_CT_', words, {
      l3proto: 'NFT_CT_L3PROTOCOL',
      label: 'NFT_CT_LABELS',
      packets: 'NFT_CT_PKTS',
      event: 'NFT_CT_EVENTMASK',
    }),
  'ct.direction': same({ original: 'IP_CT_DIR_ORIGINAL', reply: 'IP_CT_DIR_REPLY' }),
  'limit.per': same({ packets: 'NFT_LIMIT_PKTS', bytes: 'NFT_LIMIT_PKT_BYTES' }),
  'limit.flags': same({ inv: 'NFT_LIMIT_F_INV' }),
  'log.level': (words) => named('NFT_LOGLEVEL_', words, { warn: 'NFT_LOGLEVEL_WARNING' }),
  'log.flags': same({
    'tcp sequence': 'NF_LOG_TCPSEQ',
    'tcp options': 'NF_LOG_TCPOPT',
    'ip options': 'NF_LOG_IPOPT',
    skuid: 'NF_LOG_UID',
    nflog: 'NF_LOG_NFLOG',
    ether: 'NF_LOG_MACDECODE',
  }),
  'lookup.flags': same({ inv: 'NFT_LOOKUP_F_INV' }),
  'masq.flags': natFlags,
  'meta.key': (words) =>
    named('NFT_META_', words, {
      ibrname: 'NFT_META_BRI_IIFNAME',
      obrname: 'NFT_META_BRI_OIFNAME',
      ibrpvid: 'NFT_META_BRI_IIFPVID',
      ibrvproto: 'NFT_META_BRI_IIFVPROTO',
      random: 'NFT_META_PRANDOM',
      time: 'NFT_META_TIME_NS',
      day: 'NFT_META_TIME_DAY',
      hour: 'NFT_META_TIME_HOUR',
      broute: 35,
      ibrhwaddr: 36,
    }),
  'nat.kind': same({ snat: 'NFT_NAT_SNAT', dnat: 'NFT_NAT_DNAT' }),
  'nat.family': same({ ip: 'NFPROTO_IPV4', ip6: 'NFPROTO_IPV6' }),
  'nat.flags': natFlags,
  'payload.base': (words) =>
    named('NFT_PAYLOAD_', words, {
      link: 'NFT_PAYLOAD_LL_HEADER',
      network: 'NFT_PAYLOAD_NETWORK_HEADER',
      transport: 'NFT_PAYLOAD_TRANSPORT_HEADER',
      inner: 'NFT_PAYLOAD_INNER_HEADER',
      tunnel: 4,
    }),
  'payload.csumType': (words) => named('NFT_PAYLOAD_CSUM_', words),
  'payload.csumFlags': same({ 'l4-pseudohdr': 'NFT_PAYLOAD_L4CSUM_PSEUDOHDR' }),
  'range.op': same({ '==': 'NFT_RANGE_EQ', '!=': 'NFT_RANGE_NEQ' }),
  'redir.flags': natFlags,
  'reject.kind': same({ icmp: 'NFT_REJECT_ICMP_UNREACH', 'tcp reset': 'NFT_REJECT_TCP_RST', icmpx: 'NFT_REJECT_ICMPX_UNREACH' }),
  'byteorder.op': same({ ntoh: 'NFT_BYTEORDER_NTOH', hton: 'NFT_BYTEORDER_HTON' }),
  'connlimit.flags': same({ inv: 'NFT_CONNLIMIT_F_INV' }),
  'dynset.op': (words) => named('NFT_DYNSET_OP_', words),
  'dynset.flags': (words) => named('NFT_DYNSET_F_', words),
  'exthdr.flags': same({ present: 'NFT_EXTHDR_F_PRESENT' }),
  'exthdr.op': same({
    exthdr: 'NFT_EXTHDR_OP_IPV6',
    'tcp option': 'NFT_EXTHDR_OP_TCPOPT',
    'ip option': 'NFT_EXTHDR_OP_IPV4',
    'sctp chunk': 'NFT_EXTHDR_OP_SCTP',
    'dccp option': 4,
  }),
  'fib.result': same({ oif: 'NFT_FIB_RESULT_OIF', oifname: 'NFT_FIB_RESULT_OIFNAME', type: 'NFT_FIB_RESULT_ADDRTYPE' }),
  'fib.flags': (words) => named('NFTA_FIB_F_', words),
  'fwd.family': same({ ip: 'NFPROTO_IPV4', ip6: 'NFPROTO_IPV6' }),
  'hash.kind': same({ jhash: 'NFT_HASH_JENKINS', symhash: 'NFT_HASH_SYM' }),
  'inner.kind': same({ vxlan: 1, geneve: 2 }),
  'inner.flags': same({ hdrsize: 1, ll: 2, nh: 4, th: 8 }),
  'numgen.mode': same({ inc: 'NFT_NG_INCREMENTAL', random: 'NFT_NG_RANDOM' }),
  'objref.kind': (words) => named('NFT_OBJECT_', words, { 'ct expectation': 'NFT_OBJECT_CT_EXPECT' }),
  'osf.ttl': same({ strict: 0, loose: 1, skip: 2 }),
  'osf.flags': same({ version: 'NFT_OSF_F_VERSION' }),
  'queue.flags': same({ bypass: 'NFT_QUEUE_FLAG_BYPASS', fanout: 'NFT_QUEUE_FLAG_CPU_FANOUT' }),
  'quota.flags': same({ inv: 'NFT_QUOTA_F_INV', depleted: 'NFT_QUOTA_F_DEPLETED' }),
  'rt.key': same({
    classid: 'NFT_RT_CLASSID',
    'ip nexthop': 'NFT_RT_NEXTHOP4',
    'ip6 nexthop': 'NFT_RT_NEXTHOP6',
    mtu: 'NFT_RT_TCPMSS',
    ipsec: 'NFT_RT_XFRM',
  }),
  'socket.key': (words) => named('NFT_SOCKET_', words),
  'synproxy.flags': same({ mss: 1, wscale: 2, 'sack-perm': 4, timestamp: 8, ecn: 16 }),
  'tproxy.family': same({ any: 'NFPROTO_UNSPEC', ip: 'NFPROTO_IPV4', ip6: 'NFPROTO_IPV6' }),
  'tunnel.key': (words) => named('NFT_TUNNEL_', words),
  'tunnel.mode': (words) => named('NFT_TUNNEL_MODE_', words),
  'xfrm.key': same({
    'ip daddr': 'NFT_XFRM_KEY_DADDR_IP4',
    'ip6 daddr': 'NFT_XFRM_KEY_DADDR_IP6',
    'ip saddr': 'NFT_XFRM_KEY_SADDR_IP4',
    'ip6 saddr': 'NFT_XFRM_KEY_SADDR_IP6',
    reqid: 'NFT_XFRM_KEY_REQID',
    spi: 'NFT_XFRM_KEY_SPI',
  }),
  'xfrm.dir': same({ in: 'XFRM_POLICY_IN', out: 'XFRM_POLICY_OUT' }),
  'table.flags': same({ dormant: 'NFT_TABLE_F_DORMANT', owner: 'NFT_TABLE_F_OWNER', persist: 4 }),
  'chain.policy': same({ drop: 'NF_DROP', accept: 'NF_ACCEPT' }),
  'chain.flags': same({ base: 'NFT_CHAIN_BASE', 'hw-offload': 'NFT_CHAIN_HW_OFFLOAD', binding: 'NFT_CHAIN_BINDING' }),
};

const headers = [
  'stdio.h',
  'net/if.h',
  'netinet/in.h',
  'linux/netfilter.h',
  'linux/xfrm.h',
  'linux/netfilter/nf_tables.h',
  'linux/netfilter/nf_log.h',
  'linux/netfilter/nf_nat.h',
  'linux/netfilter/nf_conntrack_tuple_common.h',
];

type Encode = (value: Readonly<Record<string, unknown>>) => Uint8Array;
interface Named {
  readonly name: string;
  readonly example: Readonly<Record<string, unknown>>;
  readonly encode: Encode;
}
const things: readonly Named[] = [
  ...expressionTables.names.map((name) => ({
    name,
    example: expressionCase(name).example as Readonly<Record<string, unknown>>,
    encode: (v: Readonly<Record<string, unknown>>) => encodeExpression(v as AnyExpression),
  })),
  ...Object.entries(objectCases).map(([name, o]) => ({
    name,
    example: o.example as Readonly<Record<string, unknown>>,
    encode: (v: Readonly<Record<string, unknown>>) => encoded(o.table as AttributeTable<object>, v),
  })),
];

test("words and flags are the kernel headers' numbers", () => {
  const checks: {
    readonly what: string;
    readonly word: Uint8Array;
    readonly number: (n: number) => Uint8Array;
    readonly constant: Constant;
  }[] = [];
  const met = new Set<string>();
  for (const { name, example, encode } of things) {
    for (const key of propertiesOf(encode, example)) {
      const known = wordsOf(encode, example, key);
      if (known === undefined) continue;
      const place = `${name}.${key}`;
      met.add(place);
      const constants = expected[place]?.(known.words) ?? {};
      assert.deepEqual(Object.keys(constants).sort(), [...known.words].sort(), `the words of ${place}`);
      const as = (v: string | number): Uint8Array => encode({ ...example, [key]: known.kind === 'flags' ? [v] : v });
      for (const word of known.words)
        checks.push({ what: `${place} ${word}`, word: as(word), number: as, constant: constants[word] as Constant });
    }
  }
  assert.deepEqual(
    Object.keys(expected).filter((place) => !met.has(place)),
    [],
  );
  const numbers = constantValues(
    headers,
    checks.map((c) => c.constant),
  );
  assert.ok(checks.length > 100, `${checks.length} words`);
  for (const [i, c] of checks.entries()) {
    const number = numbers[i] as number;
    assert.deepEqual(c.word, c.number(number), `${c.what} is not ${c.constant} (${number})`);
  }
});

test('the words of verdicts', () => {
  const words = ['accept', 'drop', 'queue', 'continue', 'break', 'jump', 'goto', 'return'];
  const constants = words.map((w) => (['accept', 'drop', 'queue'].includes(w) ? 'NF_' : 'NFT_') + w.toUpperCase());
  const numbers = constantValues(headers, constants);
  const as = (verdict: string | number): Uint8Array => encodeExpression({ type: 'immediate', dreg: 0, data: { verdict } });
  for (const [i, word] of words.entries()) assert.deepEqual(as(word), as(numbers[i] as number), word);
});
