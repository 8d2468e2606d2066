// Targets that the recorded cases can't show whole: structs of revisions nobody sends any more, bytes derived from the headers where
// the kernel at hand lacks the target, structs that mean alike, and those no option can say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BytesContext, type IpFamily, ValueError } from '../../../lib/iptables/extensions/codec.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { formatRule, normalizeRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { hex, type Options, revisionOf, targetCodec } from './target-bytes.ts';

const SETS = ['foo', 'foo2'];
function context(family: IpFamily): BytesContext {
  return { family, setIndex: (name) => SETS.indexOf(name), setName: (index) => SETS[index] ?? '' };
}
function bytesOf(name: string, number: number, family: IpFamily, options: Options): string {
  const revision = revisionOf(targetCodec(name), number, family);
  const bytes = new Uint8Array(revision.size);
  revision.write(options, new Struct(bytes), context(family));
  return hex(bytes);
}
function optionsOf(name: string, number: number, family: IpFamily, bytes: string): Options {
  return revisionOf(targetCodec(name), number, family).read(new Struct(Buffer.from(bytes, 'hex')), context(family));
}
const zeros = (bytes: number): string => '00'.repeat(bytes);
const text = (value: string, size: number): string =>
  Buffer.from(value)
    .toString('hex')
    .padEnd(2 * size, '0');

test('bytes by the headers, both ways', () => {
  const restore = { restoreMark: true, nfmask: 0xff, ctmask: 0xff };
  const add = { set: 'foo2', flags: ['src', 'dst'] };
  const absent = `ffff${zeros(2)}`;
  const rows: [string, number, IpFamily, Options, string][] = [
    ['CONNMARK', 0, 'ip', { setXmark: { value: 5, mask: 0xff } }, `05${zeros(7)}ff${zeros(15)}`],
    ['CONNMARK', 0, 'ip6', restore, `${zeros(8)}ff${zeros(7)}02${zeros(7)}`],
    ['CONNMARK', 1, 'ip', restore, '00000000ff000000ff00000002000000'],
    ['CONNMARK', 1, 'ip', { setXmark: { value: 1, mask: 2 } }, '0100000002000000ffffffff00000000'],
    ['NFQUEUE', 0, 'ip', { queueNum: 0x1234 }, '3412'],
    ['NFQUEUE', 1, 'ip', { queueBalance: [1, 3] }, '01000300'],
    ['NFQUEUE', 2, 'ip6', { queueNum: 1, queueBypass: true }, '010001000100'],
    ['SET', 0, 'ip', { addSet: add }, `0100${zeros(2)}0100000002000000${zeros(20)}ffff${zeros(30)}`],
    ['SET', 1, 'ip', { addSet: add }, `01000202${absent}`],
    ['SET', 1, 'ip6', { delSet: add }, `${absent}01000202`],
    ['SET', 2, 'ip', { addSet: add, exist: true, timeout: 5 }, `01000202${absent}0100000005000000`],
    ['SET', 2, 'ip', { delSet: add }, `${absent}0100020200000000ffffffff`],
    ['TOS', 0, 'ip', { setTos: { value: 0x10, mask: 0x1f } }, '10'],
    ['IDLETIMER', 0, 'ip', { timeout: 42, label: 'foo' }, `2a000000${text('foo', 28)}${zeros(8)}`],
    ['SECMARK', 0, 'ip', { selctx: 'a:b' }, `01${zeros(7)}${text('a:b', 256)}`],
    ['SECMARK', 1, 'ip', { selctx: 'a:b' }, `01${text('a:b', 256)}${zeros(7)}`],
    ['LED', 0, 'ip', { ledTriggerId: 'ssh' }, `${text('netfilter-ssh', 27)}${zeros(13)}`],
    ['LED', 0, 'ip6', { ledTriggerId: '', ledDelay: 'inf', ledAlwaysBlink: true }, `${text('netfilter-', 27)}01ffffffff${zeros(8)}`],
    ['ULOG', 0, 'ip', {}, `01${zeros(15)}01${zeros(7)}${zeros(32)}`],
    [
      'ULOG',
      0,
      'ip',
      { ulogPrefix: 'x', ulogNlgroup: 32, ulogCprange: 100, ulogQthreshold: 50 },
      `00000080${zeros(4)}64${zeros(7)}32${zeros(7)}${text('x', 32)}`,
    ],
    ['CLUSTERIP', 0, 'ip', {}, zeros(64)],
    [
      'CLUSTERIP',
      0,
      'ip',
      {
        new: true,
        hashmode: 'sourceip-sourceport',
        clustermac: '01:02:03:04:05:0A',
        totalNodes: 4,
        localNode: 2,
        hashInit: 0x12345678,
      },
      `0100000001020304050a040001000200${zeros(32)}0100000078563412${zeros(8)}`,
    ],
  ];
  for (const [name, number, family, options, bytes] of rows) {
    assert.equal(bytesOf(name, number, family, options), bytes, `${name} ${number}`);
    assert.deepEqual(optionsOf(name, number, family, bytes), options, `${name} ${number}`);
  }
});

test('an older revision is asked for only what it can say', () => {
  const can = (name: string, number: number, options: Options): boolean | undefined =>
    revisionOf(targetCodec(name), number, 'ip').can?.(options);
  const add = { set: 'foo', flags: ['src'] };
  assert.equal(can('CONNMARK', 0, { setXmark: { value: 2, mask: 1 } }), false);
  assert.equal(can('CONNMARK', 0, { saveMark: true, nfmask: 1, ctmask: 2 }), false);
  assert.equal(can('CONNMARK', 0, { setXmark: { value: 1, mask: 1 } }), true);
  assert.equal(can('CONNMARK', 1, { saveMark: true, nfmask: 1, ctmask: 2 }), true);
  assert.equal(can('CONNMARK', 1, { saveMark: true, nfmask: 1, ctmask: 2, leftShiftMark: 1 }), false);
  assert.equal(can('NFQUEUE', 0, { queueBalance: [1, 2] }), false);
  assert.equal(can('NFQUEUE', 1, { queueNum: 1, queueBypass: true }), false);
  assert.equal(can('NFQUEUE', 2, { queueBalance: [1, 2], queueCpuFanout: true }), false);
  assert.equal(can('SET', 0, { addSet: add }), true);
  assert.equal(can('SET', 1, { addSet: add, exist: true }), false);
  assert.equal(can('SET', 1, { addSet: add, timeout: 0 }), false);
  assert.equal(can('SET', 2, { mapSet: add, mapMark: true }), false);
  assert.equal(can('TOS', 0, { setTos: { value: 0x10, mask: 0xff } }), false);
  assert.equal(can('IDLETIMER', 0, { timeout: 1, label: 'a', alarm: true }), false);
});

test('structs that mean alike are alike once canonical', () => {
  const rows: [string, number, string, string][] = [
    ['CONNMARK', 1, '0100000002000000ff00000000000000', '0100000002000000ffffffff00000000'],
    ['CONNMARK', 1, '0100000002000000ff00000001000000', '0000000002000000ff00000001000000'],
    ['CONNMARK', 2, '00000000ffffffffffffffff01000200', '00000000ffffffffffffffff00000200'],
    ['SET', 3, 'ffff01020000010200000000ffffffff', 'ffff00000000010200000000ffffffff'],
    ['ECN', 0, '300303', '300003'],
    ['ECN', 0, '010303', '010300'],
    ['CLUSTERIP', 0, `00000000ff${zeros(59)}`, zeros(64)],
  ];
  for (const [name, number, bytes, alike] of rows) {
    const s = new Struct(new Uint8Array(Buffer.from(bytes, 'hex')));
    revisionOf(targetCodec(name), number, 'ip').canonical?.(s);
    assert.equal(hex(s.bytes), alike, `${name} ${number}`);
  }
});

test('a struct that no options can say is not read as others', () => {
  const hmark = (flags: string, rest: string): string => `${zeros(40)}${flags}${rest}`;
  const rows: [string, number, string][] = [
    ['AUDIT', 0, '03'],
    ['CHECKSUM', 0, '00'],
    ['CHECKSUM', 0, '03'],
    ['CONNMARK', 0, `01000000010000000100000000000000${zeros(8)}`],
    ['CONNMARK', 2, '00000000ffffffffffffffff00000300'],
    ['CONNMARK', 2, '00000000ffffffffffffffff02010200'],
    ['CONNMARK', 2, '00000000ffffffffffffffff00210200'],
    ['CONNSECMARK', 0, '00'],
    ['DSCP', 0, '40'],
    ['ECN', 0, '000000'],
    ['ECN', 0, '020000'],
    ['ECN', 0, '010400'],
    ['NFQUEUE', 1, '01000000'],
    ['NFQUEUE', 1, 'ffff0200'],
    ['NFQUEUE', 3, '010001000200'],
    ['NFQUEUE', 3, '010002000400'],
    ['TCPMSS', 0, 'feff'],
    ['TOS', 0, '20'],
    ['SET', 1, `ffff0000ffff0000`],
    ['SET', 1, `00000000ffff0000`],
    ['SET', 1, `00000700ffff0000`],
    ['SET', 3, '00000102ffff0000ffff000002000000ffffffff'],
    ['SET', 3, 'ffff000000000102ffff000001000000ffffffff'],
    ['SYNPROXY', 0, '20000000'],
    ['TCPOPTSTRIP', 0, `01${zeros(31)}`],
    ['RATEEST', 0, `${text('a', 16)}0401${zeros(14)}`],
    ['RATEEST', 0, `${text('a', 16)}0000${zeros(14)}`],
    ['RATEEST', 0, `${text('a', 16)}030a${zeros(14)}`],
    ['IDLETIMER', 1, `01000000${text('a', 28)}0002${zeros(14)}`],
    ['IDLETIMER', 1, `01000000${text('a', 28)}0100${zeros(14)}`],
    ['SECMARK', 1, `02${text('a', 256)}${zeros(7)}`],
    ['LED', 0, `${text('other', 27)}${zeros(13)}`],
    ['ULOG', 0, `03${zeros(15)}01${zeros(39)}`],
    ['ULOG', 0, `01${zeros(15)}33${zeros(39)}`],
    ['ULOG', 0, `01${zeros(11)}0100000001${zeros(39)}`],
    ['CLUSTERIP', 0, `0100000000020304050a040001000200${zeros(48)}`],
    ['CLUSTERIP', 0, `0100000001020304050a040002000200${zeros(48)}`],
    // No modulus; a method; an offset and a mask without their flags; a mask with holes.
    ['HMARK', 0, hmark('40020000', `${zeros(4)}05000000${zeros(8)}`)],
    ['HMARK', 0, hmark('40260000', `${zeros(4)}0500000001000000${zeros(4)}`)],
    ['HMARK', 0, hmark('40060000', `${zeros(4)}050000000100000007000000`)],
    ['HMARK', 0, `ffffff00${zeros(36)}40060000${zeros(4)}0500000001000000${zeros(4)}`],
    ['HMARK', 0, `ff00ff00${zeros(36)}01060000${zeros(4)}0500000001000000${zeros(4)}`],
  ];
  for (const [name, number, bytes] of rows) assert.throws(() => optionsOf(name, number, 'ip', bytes), ValueError, `${name} ${bytes}`);
});

/** Rules the real parser takes and makes something else of than they say, or something that depends on the order of the options. */
const REFUSED_ONLY_HERE = `
ip | -j CLASSIFY --set-class 10000:0
ip | -j CLASSIFY --set-class 1:2x
ip | -j CLASSIFY --set-class -1:1
ip | -j CONNMARK --set-mark 1 --mask 0xff
ip | -j CONNMARK --ctmask 0xff --set-mark 1
ip | -j CONNMARK --or-mark 1 --nfmask 0xff
ip | -j CONNMARK --save-mark --left-shift-mark 1 --right-shift-mark 2
ip | -j NFQUEUE --queue-balance 0:65535
ip | -p tcp -j TCPMSS --set-mss 1 --clamp-mss-to-pmtu
ip | -j SET ! --add-set foo src
ip | -j SET --add-set foo srcx
ip | -j SET --add-set foo src --timeout 1 --timeout 2
ip | -p tcp -j SYNPROXY --wscale 256
ip | -p tcp -j SYNPROXY --mss 65536
ip | -j TEE --gateway 1.1.1
ip | -j TEE --gateway localhost
ip | -j TEE --gateway 1.1.1.1 --oif 1234567890123456
ip | -j HMARK --hmark-src-prefix 33 --hmark-mod 1 --hmark-rnd 5
ip | -j HMARK --hmark-src-prefix 255.0.255.0 --hmark-mod 1 --hmark-rnd 5
ip6 | -j HMARK --hmark-src-prefix ffff:0:ffff:: --hmark-mod 1 --hmark-rnd 5
ip | -j HMARK --hmark-spi 5 --hmark-sport 5 --hmark-mod 1 --hmark-rnd 5
ip | -j RATEEST --rateest-name a --rateest-interval 1s --rateest-ewmalog 5000s
ip | -j RATEEST --rateest-name 0123456789012345 --rateest-interval 1s --rateest-ewmalog 2s
ip | -j LED --led-trigger-id a --led-delay infx
ip | -j ULOG --ulog-cprange 4294967296
`;

test('what is refused only here', () => {
  const rows = REFUSED_ONLY_HERE.split('\n').filter((line) => line !== '');
  for (const [family, rule] of rows.map((line) => line.split(' | ') as [IpFamily, string])) {
    assert.throws(() => parseRule(rule, family), { code: 'ERR_RULE_SYNTAX' }, rule);
  }
  assert.throws(() => parseRule(['-j', 'SECMARK', '--selctx', 'a'.repeat(256)]), { code: 'ERR_RULE_SYNTAX' });
});

test('what is printed otherwise than by iptables 1.8.9, so that it can be read again', () => {
  const rows: [string[], string][] = [
    [['-j', 'LED', '--led-trigger-id', 'a', '--led-delay', 'INF'], '-j LED --led-trigger-id "a" --led-delay inf'],
    [['-j', 'LED', '--led-trigger-id', 'a', '--led-delay', '4294967295'], '-j LED --led-trigger-id "a" --led-delay inf'],
    [['-j', 'LED', '--led-trigger-id', 'a', '--led-delay', '2147483648'], '-j LED --led-trigger-id "a" --led-delay 2147483648'],
    [['-j', 'SECMARK', '--selctx', ''], '-j SECMARK --selctx ""'],
    [['-j', 'IDLETIMER', '--timeout', '1', '--label', 'a b'], '-j IDLETIMER --timeout 1 --label "a b"'],
    [['-j', 'NFQUEUE', '--queue-balance', ':'], '-j NFQUEUE --queue-balance 0:65534'],
    [['-j', 'ECN', '--ecn-ip-ect', '3', '--ecn-tcp-remove'], '-j ECN --ecn-tcp-ece 0 --ecn-tcp-cwr 0 --ecn-ip-ect 3'],
    [['-j', 'CONNMARK', '--save-mark', '--right-shift-mark', '0'], '-j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff'],
  ];
  for (const [words, saved] of rows) {
    assert.equal(formatRule(parseRule(words)), saved);
    assert.deepEqual(parseRule(saved), parseRule(words));
  }
});

test('options a program wrote: typed, or as the text of the value', () => {
  const forms: [RuleSpec['target'], RuleSpec['target']][] = [
    [
      { name: 'CLASSIFY', setClass: { major: 1, minor: 0x10 } },
      { name: 'CLASSIFY', setClass: '1:10' as never },
    ],
    [
      { name: 'TCPOPTSTRIP', stripOptions: ['sack', 2, 'md5'] },
      { name: 'TCPOPTSTRIP', stripOptions: '2,5,19' as never },
    ],
    [
      { name: 'HMARK', hmarkTuple: ['ct', 'src'], hmarkMod: 1, hmarkRnd: 2 },
      { name: 'HMARK', hmarkTuple: ['src', 'ct'], hmarkMod: 1, hmarkRnd: 2 },
    ],
    [
      { name: 'RATEEST', rateestName: 'a', rateestInterval: 250_000, rateestEwmalog: 500_000 },
      { name: 'RATEEST', rateestName: 'a', rateestInterval: '250ms' as never, rateestEwmalog: '0.5s' as never },
    ],
    [
      { name: 'NFQUEUE', queueBalance: [1, 5] },
      { name: 'NFQUEUE', queueBalance: '1:5' as never },
    ],
    [
      { name: 'SET', addSet: { set: 'foo', flags: ['src', 'dst'] }, timeout: 5 },
      { name: 'SET', addSet: 'foo src,dst' as never, timeout: 5 },
    ],
    [
      { name: 'CONNMARK', saveMark: true, mask: 1 },
      { name: 'CONNMARK', saveMark: true, nfmask: 1, ctmask: 1 },
    ],
    [
      { name: 'LED', ledTriggerId: 'a', ledDelay: 0 },
      { name: 'LED', ledTriggerId: 'a' },
    ],
  ];
  for (const [typed, other] of forms) {
    const spec = (target: RuleSpec['target']): RuleSpec => normalizeRule(target === undefined ? {} : { target });
    assert.deepEqual(spec(typed), spec(other));
    assert.deepEqual(normalizeRule(spec(typed)), spec(typed));
  }
  // @ts-expect-error -- no such type of record
  const misspelled: NonNullable<RuleSpec['target']> = { name: 'AUDIT', type: 'acept' };
  assert.throws(() => normalizeRule({ target: misspelled }), { code: 'ERR_INVALID_ARG' });
});
