// Random expressions with extreme values, as far as the kernel takes them: encoded, taken, dumped, decoded to what was sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Expression, expressions as e } from '../../lib/index.ts';
import type { Family } from '../../lib/model/ruleset.ts';
import { acceptable } from '../../lib/nftables/expressions/acceptable.ts';
import { expressionTables } from '../../lib/nftables/expressions/index.ts';
import { bytes, record, text, U32_MAX, u8, u16, u32, u64 } from '../support/arbitraries.ts';
import { addRule, dumpedRules, filled } from '../support/expression-kernel.ts';

const RULES = 60;
const SEED = 6180;
const S64_MAX = 0x7fffffffffffffffn;

interface Kind {
  readonly family: Family;
  readonly chain: string;
  /** What goes before it, so that its source registers hold something. */
  readonly before: readonly Expression[];
  readonly any: fc.Arbitrary<Expression>;
}
const inet = (any: fc.Arbitrary<unknown>, before: readonly Expression[] = [], chain = 'input', family: Family = 'inet'): Kind => ({
  family,
  chain,
  before,
  any: any as fc.Arbitrary<Expression>,
});
const is = <T extends string>(type: T): fc.Arbitrary<T> => fc.constant(type);
const one = fc.constant(1);
/** Registers as the kernel dumps them: NFT_REG32_00 and each fourth one after it come back as NFT_REG_1 to NFT_REG_4. */
const register = fc.constantFrom(1, 2, 3, 4, 9, 10, 11, 13, 14, 15, 17, 18, 19);
const flagsOf = <W extends string>(...all: readonly W[]): fc.Arbitrary<W[]> => fc.subarray([...all]);
const full = [1, 2, 3, 4].map((dreg) => e.immediate(new Uint8Array(16).fill(0xa5), { dreg }));
const tcp = [e.meta('l4proto'), e.cmp('==', e.u8(6))];
/** A modulus and an offset whose sum fits 32 bits; offsets of 0 are not dumped. */
const modulus = fc
  .tuple(
    fc.oneof(fc.constantFrom(1, 2, 0x7fffffff), fc.integer({ min: 1, max: 0x7fffffff })),
    fc.constantFrom(1, 5, 0x7fffffff, 0x80000000),
  )
  .map(([n, offset]) => ({ modulus: n, offset }));
const length = fc.integer({ min: 1, max: 64 });
/** Of a value in a rule: struct nft_data has 16 bytes, as a register has. */
const size = fc.integer({ min: 1, max: 16 });
const stateful = fc.oneof(
  record({ type: is('counter'), bytes: u64, packets: u64 }),
  record({ type: is('quota'), bytes: fc.constant(S64_MAX), consumed: fc.bigInt({ min: 0n, max: S64_MAX - 1n }), flags: flagsOf('inv') }),
);
const natFlags = flagsOf('random', 'persistent', 'fully-random');

/** Without what is undefined. */
function defined<T extends object>(x: T): T {
  return Object.fromEntries(Object.entries(x).filter(([, v]) => v !== undefined)) as T;
}

const kinds: Readonly<Record<string, Kind>> = {
  bitwise: inet(
    fc.oneof(
      size.chain((len) =>
        record({
          type: is('bitwise'),
          sreg: one,
          dreg: one,
          op: is('mask-xor'),
          len: fc.constant(len),
          mask: bytes(len, len),
          xor: bytes(len, len),
        }),
      ),
      record({
        type: is('bitwise'),
        sreg: one,
        dreg: register,
        op: fc.constantFrom('lshift', 'rshift'),
        len: fc.constantFrom(1, 4),
        data: fc.integer({ min: 1, max: 31 }).map(e.host32),
      }),
      record({
        type: is('bitwise'),
        sreg: one,
        dreg: register,
        op: fc.constantFrom('and', 'or', 'xor'),
        len: fc.constant(4),
        sreg2: register,
      }),
    ),
    full,
  ),
  byteorder: inet(
    fc.constantFrom(2, 4, 8).chain((size) =>
      record({
        type: is('byteorder'),
        sreg: one,
        dreg: one,
        op: fc.constantFrom('ntoh', 'hton'),
        len: fc.integer({ min: 1, max: 64 / size }).map((n) => n * size),
        size: fc.constant(size),
      }),
    ),
    full,
  ),
  cmp: inet(record({ type: is('cmp'), sreg: one, op: fc.constantFrom('==', '!=', '<', '<=', '>', '>='), data: bytes(1, 16) }), full),
  connlimit: inet(record({ type: is('connlimit'), count: u32, flags: fc.constantFrom(undefined, ['inv']) }).map(defined)),
  counter: inet(record({ type: is('counter'), bytes: u64, packets: u64 })),
  ct: inet(
    fc.oneof(
      record({ type: is('ct'), key: fc.constantFrom('state', 'status', 'mark', 'expiration', 'helper', 'label', 'id'), dreg: register }),
      record({
        type: is('ct'),
        key: fc.constantFrom('packets', 'bytes', 'avgpkt', 'zone', 'src ip', 'dst ip', 'src ip6', 'dst ip6', 'proto-src'),
        dreg: register,
        direction: fc.constantFrom('original', 'reply'),
      }),
      record({ type: is('ct'), key: fc.constantFrom('mark', 'event', 'secmark'), sreg: register }),
    ),
    full,
  ),
  dynset: inet(
    record({
      type: is('dynset'),
      sregKey: register,
      op: fc.constantFrom('add', 'update', 'delete'),
      timeout: fc.bigInt({ min: 0n, max: 10_000_000_000n }).map((n) => n * 1000n),
      set: is('dyn'),
      flags: flagsOf('inv'),
    }).chain((d) =>
      d.op === 'delete'
        ? fc.constant(d)
        : fc.oneof(
            fc.constant(d),
            stateful.map((expr) => ({ ...d, expr })),
            fc.tuple(stateful, stateful).map((list) => ({ ...d, expressions: list })),
          ),
    ),
    full,
  ),
  dup: inet(
    fc.oneof(record({ type: is('dup'), addr: register }), record({ type: is('dup'), addr: register, dev: register })),
    full,
    'input',
    'ip',
  ),
  exthdr: inet(
    fc.oneof(
      record({
        type: is('exthdr'),
        dreg: one,
        kind: u8,
        offset: u8,
        len: length,
        flags: fc.constant([]),
        op: fc.constantFrom('exthdr', 'tcp option', 'sctp chunk'),
      }),
      record({
        type: is('exthdr'),
        dreg: one,
        kind: u8,
        offset: u8,
        len: fc.constant(1),
        flags: fc.constant(['present']),
        op: fc.constantFrom('exthdr', 'tcp option', 'sctp chunk'),
      }),
      record({
        type: is('exthdr'),
        sreg: one,
        kind: u8,
        offset: fc.integer({ min: 2, max: 251 }),
        len: fc.constantFrom(2, 4),
        flags: fc.constant([]),
        op: is('tcp option'),
      }),
      record({
        type: is('exthdr'),
        kind: fc.integer({ min: 2, max: 255 }),
        offset: fc.constant(0),
        len: fc.constant(0),
        flags: fc.constant([]),
        op: is('tcp option'),
      }),
    ),
    full,
  ),
  fib: inet(
    fc.tuple(fc.constantFrom('saddr', 'daddr'), flagsOf('mark', 'iif'), fc.constantFrom('oif', 'oifname', 'type'), register, fc.boolean()).map(([address, rest, result, dreg, present]) => ({
      type: 'fib', flags: [address, ...rest, ...(present && result === 'oif' ? ['present'] : [])], result, dreg,
    })), // biome-ignore format: one expression
    [],
    'prerouting',
  ),
  fwd: inet(
    fc.oneof(
      record({ type: is('fwd'), dev: register }),
      record({ type: is('fwd'), dev: register, addr: fc.constantFrom(1, 2, 3, 4), family: fc.constantFrom('ip', 'ip6') }),
    ),
    full,
    'ingress',
    'netdev',
  ),
  hash: inet(
    fc.oneof(
      fc
        .tuple(
          modulus,
          register,
          fc.integer({ min: 1, max: 64 }),
          fc.oneof(fc.constantFrom(1, U32_MAX), fc.integer({ min: 1, max: U32_MAX })),
        )
        .map(([m, dreg, len, seed]) => ({ type: 'hash', sreg: 1, dreg, len, ...m, seed, kind: 'jhash' })),
      fc.tuple(modulus, register).map(([m, dreg]) => ({ type: 'hash', dreg, ...m, kind: 'symhash' })),
    ),
    full,
  ),
  immediate: inet(
    fc.oneof(
      record({ type: is('immediate'), dreg: one, data: bytes(1, 16) }),
      record({
        type: is('immediate'),
        dreg: fc.constant(0),
        data: fc.constantFrom({ verdict: 'drop' }, { verdict: 'break' }, { verdict: 'continue' }, { verdict: 'jump', chain: 'other' }),
      }),
    ),
  ),
  inner: inet(
    record({ type: is('inner'), num: fc.constant(0), kind: fc.constantFrom('vxlan', 'geneve', 0, 255), flags: flagsOf('hdrsize', 'll', 'nh', 'th'), hdrsize: length, expr: fc.oneof(
      record({ type: is('payload'), dreg: one, base: fc.constantFrom('link', 'network', 'transport', 'tunnel'), offset: u8, len: length }),
      record({ type: is('meta'), key: fc.constantFrom('protocol', 'l4proto'), dreg: register }),
    ) }),
  ), // biome-ignore format: one expression
  last: inet(record({ type: is('last'), set: fc.constant(0), msecs: fc.constant(0n) })),
  limit: inet(
    record({
      type: is('limit'),
      rate: fc.bigInt({ min: 1n, max: 10_000n }),
      unit: fc.constantFrom(1n, 60n, 3600n, 86_400n, 604_800n),
      burst: fc.integer({ min: 1, max: 1000 }),
      per: fc.constantFrom('packets', 'bytes'),
      flags: flagsOf('inv'),
    }),
  ),
  log: inet(
    fc.oneof(
      record({ type: is('log'), prefix: text(127), level: fc.constantFrom('emerg', 'warn', 'debug') }),
      record({ type: is('log'), group: u16, snaplen: fc.constantFrom(1, U32_MAX), qthreshold: fc.constantFrom(1, 0xffff) }),
    ),
  ),
  lookup: inet(record({ type: is('lookup'), sreg: register, set: is('ports'), flags: flagsOf('inv') }), full),
  masq: inet(record({ type: is('masq'), flags: fc.subarray(['random', 'persistent', 'fully-random'], { minLength: 1 }) }), [], 'natpost'),
  match: inet(record({ type: is('match'), name: is('comment'), rev: fc.constant(0), info: bytes(256, 256) }), [], 'input', 'ip'),
  meta: inet(
    fc.oneof(
      record({
        type: is('meta'),
        key: fc.constantFrom(
          'len',
          'protocol',
          'priority',
          'mark',
          'iif',
          'iifname',
          'oifname',
          'random',
          'time',
          'day',
          'hour',
          'sdif',
          'sdifname',
          'iifkind',
        ),
        dreg: register,
      }),
      record({ type: is('meta'), key: fc.constantFrom('mark', 'priority', 'nftrace', 'secmark'), sreg: register }),
    ),
    full,
  ),
  nat: inet(
    record({ type: is('nat'), kind: is('snat'), family: fc.constantFrom('ip', 'ip6'), addrMin: fc.constantFrom(1, 2), addrMax: fc.constantFrom(3, 4), protoMin: register, protoMax: register, flags: natFlags }).map((n) => ({
      ...n, flags: ['map-ips', 'proto-specified', ...n.flags],
    })), // biome-ignore format: one expression
    full,
    'natpost',
  ),
  notrack: inet(record({ type: is('notrack') }), [], 'prerouting'),
  numgen: inet(
    fc.tuple(modulus, register, fc.constantFrom('inc', 'random')).map(([m, dreg, mode]) => ({ type: 'numgen', dreg, ...m, mode })),
  ),
  objref: inet(
    fc.oneof(
      record({ type: is('objref'), kind: is('counter'), name: is('c1') }),
      record({ type: is('objref'), sreg: register, set: is('cmap') }),
    ),
    full,
  ),
  osf: inet(record({ type: is('osf'), dreg: register, ttl: fc.constantFrom('strict', 'loose', 'skip'), flags: flagsOf('version') })),
  payload: inet(
    fc.oneof(
      record({ type: is('payload'), dreg: one, base: fc.constantFrom('link', 'network', 'transport', 'inner'), offset: u8, len: length }),
      record({
        type: is('payload'),
        sreg: one,
        base: is('transport'),
        offset: u8,
        len: length,
        csumType: is('inet'),
        csumOffset: u8,
        csumFlags: flagsOf('l4-pseudohdr'),
      }),
    ),
    full,
  ),
  quota: inet(
    fc
      .tuple(fc.bigInt({ min: 1n, max: S64_MAX }), u64, flagsOf('inv'))
      .map(([n, consumed, flags]) => ({ type: 'quota', bytes: n, consumed: consumed % n, flags })),
  ),
  range: inet(
    size
      .chain((n) => fc.tuple(bytes(n, n), bytes(n, n), fc.constantFrom('==', '!=')))
      .map(([a, b, op]) => {
        const [from, to] = Buffer.compare(a, b) <= 0 ? [a, b] : [b, a];
        return { type: 'range', sreg: 1, op, from, to };
      }),
    full,
  ),
  redir: inet(
    record({ type: is('redir'), protoMin: register, protoMax: register, flags: natFlags }).map((r) => ({
      ...r,
      flags: ['proto-specified', ...r.flags],
    })),
    full,
    'natpre',
  ),
  reject: inet(
    fc.oneof(
      record({ type: is('reject'), kind: is('icmp'), code: u8 }),
      record({ type: is('reject'), kind: is('icmpx'), code: fc.integer({ min: 0, max: 3 }) }),
      record({ type: is('reject'), kind: is('tcp reset') }),
    ),
    tcp,
  ),
  rt: inet(
    record({ type: is('rt'), key: fc.constantFrom('classid', 'ip nexthop', 'ip6 nexthop', 'mtu', 'ipsec'), dreg: register }),
    [],
    'output',
  ),
  socket: inet(
    fc.oneof(
      record({ type: is('socket'), key: fc.constantFrom('transparent', 'mark', 'wildcard'), dreg: register }),
      record({ type: is('socket'), key: is('cgroupv2'), dreg: register, level: u8 }),
    ),
  ),
  synproxy: inet(record({ type: is('synproxy'), mss: u16, wscale: u8, flags: flagsOf('mss', 'wscale', 'sack-perm', 'timestamp') }), tcp),
  target: inet(
    record({ type: is('target'), name: is('MARK'), rev: fc.constant(2), info: bytes(8, 8).map((b) => b.fill(0, 7).fill(2, 8)) }),
    [],
    'input',
    'ip',
  ),
  tproxy: inet(
    record({ type: is('tproxy'), family: fc.constantFrom('ip', 'ip6'), addr: fc.constantFrom(1, 2, 3, 4), port: register }),
    [...tcp, ...full],
    'prerouting',
  ),
  tunnel: inet(
    record({ type: is('tunnel'), key: fc.constantFrom('path', 'id'), dreg: register, mode: fc.constantFrom('none', 'rx', 'tx') }),
    [],
    'ingress',
    'netdev',
  ),
  xfrm: inet(
    record({
      type: is('xfrm'),
      dreg: register,
      key: fc.constantFrom('ip daddr', 'ip6 daddr', 'ip saddr', 'ip6 saddr', 'reqid', 'spi'),
      dir: is('in'),
      spnum: fc.integer({ min: 0, max: 5 }),
    }),
  ),
};

test('every expression that this kernel has is drawn', () => {
  const absent = ['queue', 'flow_offload'];
  assert.deepEqual(Object.keys(kinds).sort(), expressionTables.names.filter((name) => !absent.includes(name)).sort());
});

for (const [name, { family, chain, before, any }] of Object.entries(kinds)) {
  test(`random ${name}: ${RULES} random ones come back from the kernel as they were sent`, async () => {
    await using f = await filled(family);
    const list = fc.sample(any, { numRuns: RULES, seed: SEED });
    const tx = f.nft.transaction();
    for (const x of list) addRule(tx, family, chain, [...before, acceptable(x)]);
    await tx.commit();
    const rules = dumpedRules(f.ns);
    assert.equal(rules.length, list.length);
    for (const [i, x] of list.entries()) assert.deepEqual({ ...rules[i]?.read.at(-1) }, { ...x });
  });
}
