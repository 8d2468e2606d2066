// Every builder in a rule of the real kernel: nft lists it as the statement it stands for, and the kernel dumps what was sent.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Expression, expressions } from '../../lib/index.ts';
import type { Family } from '../../lib/model/ruleset.ts';
import { ruleTable } from '../../lib/nftables/objects/rule.ts';
import { addRule, dumpedRules, filled } from '../support/expression-kernel.ts';
import { failureOf } from '../support/nft.ts';
import { assertSameAttributes } from '../support/same-attributes.ts';
import { encoded } from '../support/wire-cases.ts';

const used = new Set<string>();
/** The builders, each remembered when it is called. */
const e: typeof expressions = new Proxy(
  { ...expressions },
  {
    get: (builders, name) => {
      used.add(String(name));
      return Reflect.get(builders, name) as unknown;
    },
  },
);

interface Case {
  readonly family: Family;
  /** A name in test/support/nft-statements.ts. */
  readonly chain: string;
  readonly sent: readonly Expression[];
  /** As `nft list` prints the rule. Undefined where nft 1.0.6 has no word for it: then the dump is the proof. */
  readonly text: string | undefined;
  /** What the kernel dumps, where it differs from what was sent: defaults it fills in, flags it keeps to itself. */
  readonly dumped?: readonly Expression[];
}

const tcp = [e.meta('l4proto'), e.cmp('==', e.u8(6))];
const ip = [e.meta('nfproto'), e.cmp('==', e.u8(2))];
const ip6 = [e.meta('nfproto'), e.cmp('==', e.u8(10))];
const saddr = e.payload('network', 12, 4);
const mark = e.meta('mark');
const dport = e.payload('transport', 2, 2);
const limit10 = e.limit(10n, 1n, { burst: 5, per: 'packets', flags: [] });
const dynset = { type: 'dynset', sregKey: 1, set: 'dyn', timeout: 0n, flags: [] } as const;
const lo = e.immediate(e.host32(1));

const inet = (chain: string, text: string | undefined, sent: readonly Expression[], dumped?: readonly Expression[]): Case =>
  of('inet', chain, text, sent, dumped);
/** What the kernel fills in. */
function withDefaults(x: Expression): Expression {
  switch (x.type) {
    case 'exthdr':
      return { offset: 0, len: 0, flags: [], ...x };
    case 'osf':
      return { flags: [], ...x };
    default:
      return x;
  }
}
function of(family: Family, chain: string, text: string | undefined, sent: readonly Expression[], dumped?: readonly Expression[]): Case {
  return { family, chain, text, sent, ...(dumped === undefined ? {} : { dumped }) };
}

const cases: readonly Case[] = [
  // Verdicts.
  inet('input', 'accept', [e.accept()]),
  inet('input', 'drop', [e.drop()]),
  inet('input', 'jump other', [e.jump('other')]),
  inet('input', 'goto other', [e.goto('other')]),
  inet('input', 'return', [e.return_()]),
  inet('input', 'continue', [e.continue_()]),
  // Loads and comparisons.
  inet('input', 'iifname "eth*"', [e.meta('iifname'), e.cmp('==', e.ifname('eth*'))]),
  inet('input', 'meta iifkind "vrf"', [e.meta('iifkind'), e.cmp('==', e.name16('vrf'))]),
  inet('input', 'meta iiftype loopback', [e.meta('iiftype'), e.cmp('==', e.host16(772))]),
  inet('input', 'meta mark 0x00000005', [mark, e.cmp('==', e.host32(5))]),
  inet('input', 'meta mark set 0x00000005', [e.immediate(e.host32(5)), e.meta('mark', { sreg: 1 })]),
  inet('input', 'tcp dport 22', [...tcp, dport, e.cmp('==', e.be16(22))]),
  inet('input', 'ip saddr != 10.0.0.1', [...ip, saddr, e.cmp('!=', e.ipv4('10.0.0.1'))]),
  inet('input', 'ip6 saddr 2001:db8::1', [...ip6, e.payload('network', 8, 16), e.cmp('==', e.ipv6('2001:db8::1'))]),
  inet('input', 'ip ttl set 64', [
    ...ip,
    e.immediate(e.u8(64)),
    e.payload('network', 8, 1, { sreg: 1, csumType: 'inet', csumOffset: 10, csumFlags: [] }),
  ]),
  inet('input', 'meta mark & 0x000000ff == 0x00000001', [mark, e.bitwise(e.host32(0xff), e.host32(0)), e.cmp('==', e.host32(1))]),
  inet('input', 'meta mark set meta mark << 2', [mark, e.shift('lshift', 4, 2), e.meta('mark', { sreg: 1 })]),
  inet('input', undefined, [mark, e.ct('mark', { dreg: 2 }), e.combine('or', 4, 2, { sreg: 1, dreg: 3 }), e.meta('mark', { sreg: 3 })]),
  inet('input', 'meta mark 0x00000001-0x00000064', [mark, e.byteorder('hton', 4, 4), e.cmp('>=', e.be32(1)), e.cmp('<=', e.be32(100))]),
  inet('input', undefined, [mark, e.byteorder('ntoh', 4, 2), e.cmp('==', e.be32(1))]),
  inet('input', 'tcp dport != 10-20', [...tcp, dport, e.range('!=', e.be16(10), e.be16(20))]),
  inet('input', 'tcp dport 10-20', [...tcp, dport, e.range('==', e.be16(10), e.be16(20))]),
  inet('input', 'tcp dport != @ports', [...tcp, dport, e.lookup('ports', { invert: true })]),
  inet('input', 'ct original packets > 10', [
    e.ct('packets', { direction: 'original' }),
    e.byteorder('hton', 8, 8),
    e.cmp('>', e.be64(10n)),
  ]),
  inet('input', 'ct mark set 0x00000007', [e.immediate(e.host32(7)), e.ct('mark', { sreg: 1 })]),
  inet('input', 'ct helper "ftp"', [e.ct('helper'), e.cmp('==', e.name16('ftp'))]),
  inet('input', 'rt type 0', [...ip6, e.exthdr('exthdr', 43, { offset: 2 }), e.cmp('==', e.u8(0))]),
  inet('input', 'exthdr frag exists', [e.exthdr('exthdr', 44, { flags: ['present'] }), e.cmp('==', e.u8(1))]),
  inet('input', 'tcp option maxseg size 1400', [e.exthdr('tcp option', 2, { offset: 2, len: 2 }), e.cmp('==', e.be16(1400))]),
  inet('input', 'tcp option maxseg size set 1400', [e.immediate(e.be16(1400)), e.exthdr('tcp option', 2, { offset: 2, len: 2, sreg: 1 })]),
  inet('input', 'reset tcp option sack-perm', [e.resetTcpOption(4)]),
  inet('input', 'ip option lsrr exists', [e.exthdr('ip option', 131, { flags: ['present'] }), e.cmp('==', e.u8(1))]),
  inet('input', 'sctp chunk data exists', [e.exthdr('sctp chunk', 0, { flags: ['present'] }), e.cmp('==', e.u8(1))]),
  inet('input', 'rt classid 5', [e.rt('classid'), e.cmp('==', e.host32(5))]),
  inet('output', 'rt mtu 1400', [e.rt('mtu'), e.cmp('==', e.host16(1400))]),
  inet('input', 'socket transparent 1', [e.socket('transparent'), e.cmp('==', e.u8(1))]),
  inet('input', undefined, [e.socket('cgroupv2', { level: 2 }), e.cmp('==', e.host64(77n))]),
  inet('input', 'fib daddr type local', [e.fib('type', ['daddr']), e.cmp('==', e.host32(2))]),
  inet('input', 'fib saddr . iif oif exists', [e.fib('oif', ['saddr', 'iif', 'present']), e.cmp('==', e.host32(1))]),
  inet('input', 'osf ttl skip name "Linux"', [e.osf({ ttl: 'skip' }), e.cmp('==', e.name16('Linux'))]),
  inet('input', 'ipsec in ip saddr 10.0.0.1', [e.xfrm('ip saddr', 'in', { spnum: 0 }), e.cmp('==', e.ipv4('10.0.0.1'))]),
  inet('output', 'ipsec out spnum 2 reqid 7', [e.xfrm('reqid', 'out', { spnum: 2 }), e.cmp('==', e.host32(7))]),
  inet('input', 'numgen inc mod 2 offset 5 6', [e.numgen('inc', 2, { offset: 5 }), e.cmp('==', e.host32(6))]),
  inet('input', 'meta mark set jhash ip saddr mod 10 seed 0xdeadbeef offset 3', [
    ...ip, e.payload('network', 12, 4, { dreg: 2 }), e.hash('jhash', 10, { sreg: 2, len: 4, seed: 0xdeadbeef, offset: 3 }), e.meta('mark', { sreg: 1 }),
  ]), // biome-ignore format: one rule
  inet('input', 'meta mark set symhash mod 2 offset 100', [e.hash('symhash', 2, { offset: 100 }), e.meta('mark', { sreg: 1 })]),
  inet('input', undefined, [
    e.inner('vxlan', 8, ['hdrsize', 'll', 'nh', 'th'], e.payload('network', 12, 4)),
    e.cmp('==', e.ipv4('10.0.0.1')),
  ]),
  inet('input', undefined, [e.inner(0, 4, ['nh', 'th'], e.meta('l4proto')), e.cmp('==', e.u8(6))]),
  of('netdev', 'ingress', undefined, [e.tunnel('id', { mode: 'rx' }), e.cmp('==', e.host32(5))]),
  of('netdev', 'ingress', 'ether saddr 00:11:22:33:44:55', [
    e.meta('iiftype'),
    e.cmp('==', e.host16(1)),
    e.payload('link', 6, 6),
    e.cmp('==', e.ether('00:11:22:33:44:55')),
  ]),
  // What counts and limits.
  inet('input', 'counter packets 5 bytes 100', [e.counter({ packets: 5n, bytes: 100n })]),
  inet('input', 'limit rate over 10/minute burst 20 packets', [e.limit(10n, 60n, { burst: 20, per: 'packets', flags: ['inv'] })]),
  inet('input', 'quota over 10 mbytes used 5 bytes', [e.quota(10n << 20n, { invert: true, consumed: 5n })]),
  inet('input', 'ct count 20', [e.connlimit(20)]),
  inet('input', 'ct count over 20', [e.connlimit(20, { invert: true })]),
  inet('input', undefined, [e.last()], [{ type: 'last', set: 0, msecs: 0n }]),
  inet('input', 'counter name "c1"', [e.objref({ kind: 'counter', name: 'c1' })]),
  inet('input', 'ct timeout set "t1"', [e.objref({ kind: 'ct timeout', name: 't1' })]),
  inet('input', 'counter name ip saddr map @cmap', [...ip, saddr, e.objref({ set: 'cmap' })]),
  inet('input', 'add @dyn { ip saddr timeout 10s }', [...ip, saddr, e.dynset('add', 'dyn', { timeout: 10_000n })], [
    ...ip, saddr, { ...dynset, op: 'add', timeout: 10_000n },
  ]), // biome-ignore format: one rule
  inet('input', 'delete @dyn { ip saddr }', [...ip, saddr, e.dynset('delete', 'dyn')], [...ip, saddr, { ...dynset, op: 'delete' }]),
  inet('input', 'update @dyn { ip saddr limit rate 10/second }', [...ip, saddr, e.dynset('update', 'dyn', { expressions: [limit10] })], [
    ...ip, saddr, { ...dynset, op: 'update', expr: limit10 },
  ]), // biome-ignore format: one rule
  inet('input', 'add @dyn { ip saddr limit rate 10/second counter }', [...ip, saddr, e.dynset('add', 'dyn', { expressions: [limit10, e.counter()] })], [
    ...ip, saddr, { ...dynset, op: 'add', expressions: [limit10, e.counter()] },
  ]), // biome-ignore format: one rule
  inet('input', 'update @dynmap { ip saddr : tcp dport }', [
    ...ip, ...tcp, saddr, e.payload('transport', 2, 2, { dreg: 2 }), e.dynset('update', 'dynmap', { sregData: 2 }),
  ], [
    ...ip, ...tcp, saddr, e.payload('transport', 2, 2, { dreg: 2 }), { ...dynset, set: 'dynmap', op: 'update', sregData: 2 },
  ]), // biome-ignore format: one rule
  // What becomes of a packet.
  inet('input', 'log prefix "x: " level debug flags ether', [e.log({ prefix: 'x: ', level: 'debug', flags: ['ether'] })]),
  inet('natpost', 'snat ip to 10.0.0.1 random', [e.immediate(e.ipv4('10.0.0.1')), e.nat('snat', 'ip', { addrMin: 1, flags: ['random'] })], [
    e.immediate(e.ipv4('10.0.0.1')), e.nat('snat', 'ip', { addrMin: 1, addrMax: 1, flags: ['map-ips', 'random'] }),
  ]), // biome-ignore format: one rule
  inet('natpost', 'masquerade random', [e.masq({ flags: ['random'] })]),
  inet('natpre', 'tcp dport 80 redirect to :8080', [...tcp, dport, e.cmp('==', e.be16(80)), e.immediate(e.be16(8080)), e.redir({ protoMin: 1 })], [
    ...tcp, dport, e.cmp('==', e.be16(80)), e.immediate(e.be16(8080)), e.redir({ protoMin: 1, protoMax: 1, flags: ['proto-specified'] }),
  ]), // biome-ignore format: one rule
  inet('input', 'reject with icmpx admin-prohibited', [e.reject('icmpx', 3)]),
  inet('prerouting', 'meta l4proto tcp tproxy to :8080', [...tcp, e.immediate(e.be16(8080)), e.tproxy('any', { port: 1 })]),
  inet('prerouting', 'meta nfproto ipv4 meta l4proto tcp tproxy ip to 10.0.0.1:8080', [
    ...ip, ...tcp, e.immediate(e.ipv4('10.0.0.1')), e.immediate(e.be16(8080), { dreg: 2 }), e.tproxy('ip', { addr: 1, port: 2 }),
  ]), // biome-ignore format: one rule
  inet('input', 'meta l4proto tcp synproxy mss 1460 wscale 7 timestamp sack-perm', [
    ...tcp,
    e.synproxy({ mss: 1460, wscale: 7, flags: ['sack-perm', 'timestamp'] }),
  ]),
  inet('prerouting', 'notrack', [e.notrack()]),
  of('ip', 'input', 'dup to 10.0.0.1', [e.immediate(e.ipv4('10.0.0.1')), e.dup()]),
  of('ip', 'input', 'dup to 10.0.0.1 device "lo"', [
    e.immediate(e.ipv4('10.0.0.1')),
    e.immediate(e.host32(1), { dreg: 2 }),
    e.dup({ addr: 1, dev: 2 }),
  ]),
  of('netdev', 'ingress', 'dup to "lo"', [lo, e.dup({ dev: 1 })]),
  of('netdev', 'ingress', 'fwd to "lo"', [lo, e.fwd()]),
  of('netdev', 'egress', 'fwd ip to 10.0.0.1 device "lo"', [
    lo,
    e.immediate(e.ipv4('10.0.0.1'), { dreg: 2 }),
    e.fwd({ addr: 2, family: 'ip' }),
  ]),
  of('ip', 'input', undefined, [
    e.match('comment', 0, new Uint8Array(256).fill(65, 0, 3)),
    e.target('MARK', 2, Uint8Array.of(1, 0, 0, 0, 255, 0, 0, 0)),
  ]),
];

/** What this kernel has not, in bytes only. */
const absent: readonly Expression[] = [
  e.queue({ num: 1, total: 2, flags: ['bypass'] }),
  e.queue({ sregQnum: 1 }),
  e.flow_offload('ft'),
  e.exthdr('dccp option', 4, { flags: ['present'] }),
];

for (const [i, { family, chain, sent, text, dumped = sent.map(withDefaults) }] of cases.entries()) {
  test(`builders ${i}: ${family} ${chain}: ${text ?? sent.map((x) => x.type).join(' ')}`, async () => {
    await using f = await filled(family);
    const tx = f.nft.transaction();
    addRule(tx, family, chain, sent);
    tx.commitSync();
    const [rule] = dumpedRules(f.ns);
    assert.ok(rule !== undefined);
    assert.deepEqual(rule.read, dumped);
    assertSameAttributes(encoded(ruleTable, { expressions: dumped }), rule.bytes, text ?? 'rule');
    if (text === undefined) return;
    const lines = f.ns.mustSync('nft', ['list', 'chain', family, 't', chain]).split('\n');
    assert.equal(lines[3]?.trim(), text);
  });
}

test('every builder stands in a rule above', () => {
  const builders = Object.keys(expressions);
  assert.deepEqual(
    builders.filter((name) => !used.has(name)),
    [],
  );
});

test('what this kernel has not is refused, and the same nflink reads its own bytes', async () => {
  await using f = await filled('inet');
  for (const x of absent) {
    const tx = f.nft.transaction();
    addRule(tx, 'inet', 'forward', [x]);
    const err = await failureOf(() => tx.commit());
    assert.ok(['ENOENT', 'EOPNOTSUPP'].includes(err.code), `${x.type}: ${err.message}`);
    const bytes = encoded(ruleTable, { expressions: [x] });
    assert.deepEqual(ruleTable.decode(bytes, 0, bytes.length)?.expressions, [x]);
  }
});
