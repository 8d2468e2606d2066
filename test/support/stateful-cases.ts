// Cases of named objects and flowtables: a full example of each kind's data, and random ones.
import fc from 'fast-check';
import { type FlowtableAttributes, flowtableTable } from '../../lib/nftables/objects/flowtable.ts';
import * as m from '../../lib/nftables/objects/messages.ts';
import { type ObjectAttributes, objectTable } from '../../lib/nftables/objects/object.ts';
import { type StatefulName, statefulKinds } from '../../lib/nftables/objects/stateful/index.ts';
import { protocols } from '../../lib/nftables/objects/stateful/kind.ts';
import { bytes, i32, of, record, text, U32_MAX, U64_MAX, u8, u16, u32, u64 } from './arbitraries.ts';
import { type ObjectCase, objectCase } from './wire-cases.ts';

interface DataCase {
  /** Every property. */
  readonly example: object;
  readonly any: fc.Arbitrary<object>;
}
const some = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true });
const l3proto = fc.constantFrom('ip', 'ip6', 'inet');
const protocol = fc.constantFrom(...Object.keys(protocols));
const ipv4 = fc.ipV4();
const ipv6 = fc.constantFrom('::', '::1', '2001:db8::1', 'fe80::1:2:3:4', '2001:db8:1:2:3:4:5:6');
const flagList = (...words: readonly string[]): fc.Arbitrary<string[]> => fc.subarray([...words]);

export const statefulCases: Readonly<Record<StatefulName, DataCase>> = {
  counter: { example: { bytes: 1n, packets: U64_MAX }, any: some({ bytes: u64, packets: u64 }) },
  quota: {
    example: { bytes: 1000n, used: 7n, flags: ['inv', 'depleted'] },
    any: some({ bytes: u64, used: u64, flags: flagList('inv', 'depleted') }),
  },
  limit: {
    example: { rate: 10n, per: 60n, burst: 5, unit: 'bytes', inv: true },
    any: some({ rate: u64, per: u64, burst: u32, unit: fc.constantFrom('packets', 'bytes'), inv: fc.boolean() }),
  },
  connlimit: { example: { val: U32_MAX, inv: true }, any: some({ val: u32, inv: fc.boolean() }) },
  'ct helper': {
    example: { type: 'ftp', l3proto: 'ip6', protocol: 'tcp' },
    any: some({ type: text(15), l3proto, protocol }),
  },
  'ct timeout': {
    example: { l3proto: 'ip', protocol: 'tcp', policy: { syn_sent: 1, established: U32_MAX, unack: 3 } },
    any: fc.oneof(
      record({ l3proto, protocol: fc.constant('udp'), policy: some({ unreplied: u32, replied: u32 }) }),
      record({ l3proto, protocol: fc.constant('tcp'), policy: some({ syn_recv: u32, close: u32, syn_sent2: u32, retrans: u32 }) }),
    ) as fc.Arbitrary<object>,
  },
  'ct expectation': {
    example: { l3proto: 'ip', protocol: 'udp', dport: 5060, timeout: 60_000, size: 9 },
    any: some({ l3proto, protocol, dport: u16, timeout: u32, size: u8 }),
  },
  synproxy: { example: { mss: 1460, wscale: 7, flags: 0xf }, any: some({ mss: u16, wscale: u8, flags: u32 }) },
  secmark: { example: { context: 'system_u:object_r:ssh_server_packet_t:s0' }, any: some({ context: text(255) }) },
  tunnel: {
    example: {
      id: 7, ip: { src: '192.0.2.1', dst: '192.0.2.2' }, flags: ['dont-fragment'], tos: 1, ttl: 2, sport: 3, dport: 4,
      opts: { erspan: { version: 2, id: 3, direction: 'egress' } },
    }, // biome-ignore format: one tunnel
    any: fc.oneof(
      some({
        id: u32,
        ip: some({ src: ipv4, dst: ipv4 }),
        flags: flagList('zero-csum-tx', 'seq-number'),
        tos: u8,
        ttl: u8,
        sport: u16,
        dport: u16,
      }),
      some({ id: u32, ip6: some({ src: ipv6, dst: ipv6, flowlabel: u32 }), opts: record({ vxlan: some({ gbp: u32 }) }) }),
      some({
        id: u32,
        opts: record({ erspan: some({ version: u32, index: u32, id: u8, direction: fc.constantFrom('ingress', 'egress') }) }),
      }),
      some({
        opts: record({ geneve: fc.array(record({ class: u16, 'opt-type': u8, data: bytes(4, 124) }), { minLength: 1, maxLength: 3 }) }),
      }),
    ) as fc.Arbitrary<object>,
  },
};

const common = { table: text(255), name: text(255), use: u32, handle: u64, userdata: bytes(1, 256) };

/** An object of one kind with data of that kind. */
export function statefulCase(kind: StatefulName): ObjectCase<ObjectAttributes> {
  const { example, any } = statefulCases[kind];
  const full = { table: 't', name: 'o', kind, use: 3, data: example, handle: 9n, userdata: of(9) };
  return {
    table: objectTable,
    message: m.NFT_MSG_NEWOBJ,
    example: full,
    picked: [full, { table: 't', name: 'o', kind }, { table: 't', name: 'o', kind, data: {} }, { table: 't', kind, handle: U64_MAX }],
    any: fc.record(
      { ...common, kind: fc.constant(kind), data: any },
      { requiredKeys: ['table', 'kind', 'data'], noNullPrototype: true },
    ) as fc.Arbitrary<ObjectAttributes>,
  };
}
export const statefulNames = Object.keys(statefulKinds) as readonly StatefulName[];

export const flowtableCase: ObjectCase<FlowtableAttributes> = objectCase<FlowtableAttributes>(flowtableTable, m.NFT_MSG_NEWFLOWTABLE, {
  example: {
    table: 't', name: 'f', hook: { hooknum: 0, priority: -5, devs: ['eth0', 'eth1'] }, use: 2, handle: 5n, flags: ['offload', 'counter'],
  }, // biome-ignore format: one flowtable
  picked: [
    { table: 't', name: 'f' },
    { table: 't', handle: 3n },
  ],
  fields: {
    table: text(255),
    name: text(255),
    hook: record({ hooknum: u32, priority: i32, devs: fc.array(text(15), { minLength: 1, maxLength: 4 }) }),
    use: u32,
    handle: u64,
  },
});
