// IPv6 matches and targets: old revisions, structs that no options can say, structs that mean the same, and where nflink differs from
// iptables 1.8.9 on purpose.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Codec, type IpFamily, ValueError } from '../../../lib/iptables/extensions/codec.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import { formatRule, normalizeRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { bytesContext, revisionOf } from './xt-entry.ts';

type Kind = Codec['kind'];
function revision(kind: Kind, name: string, number = 0, family: IpFamily = 'ip6') {
  const codec = codecOf(kind, name, family);
  assert.ok(codec !== undefined, name);
  return revisionOf(codec, number, family);
}
/** `hex` and zeroes up to the aligned size of the struct. */
function struct(hex: string, size: number): Struct {
  return new Struct(new Uint8Array(Buffer.from(hex.replaceAll(' ', '').padEnd(2 * ((size + 7) & ~7), '0'), 'hex')));
}
const read = (kind: Kind, name: string, hex: string, number = 0, family: IpFamily = 'ip6'): unknown => {
  const r = revision(kind, name, number, family);
  return r.read(struct(hex, r.size), bytesContext(family));
};

test('srh: revision 0 has no segment ids', () => {
  const old = revision('match', 'srh', 0);
  const options = { srhNextHdr: 17, srhSegsLeftLt: { not: 3 }, srhTag: 258 };
  const s = struct('', old.size);
  old.write(options, s, bytesContext('ip6'));
  // next_hdr, hdr_len, segs_left, last_entry; tag; mt_flags NEXTHDR, SEGS_LT, TAG; mt_invflags SEGS_LT
  assert.equal(Buffer.from(s.bytes).toString('hex'), '11000300020141044000000000000000');
  assert.deepEqual(old.read(s, bytesContext('ip6')), options);
  assert.equal(old.can?.(options), true);
  assert.equal(old.can?.({ srhPsid: '::1/128' }), false);
  assert.throws(() => read('match', 'srh', '0000 0000 0000 0008', 0), ValueError);
});

test('a struct that no options can say is not read as others', () => {
  const rows: [Kind, string, string, number?, IpFamily?][] = [
    ['match', 'icmp6', '01 00 03 00'],
    ['match', 'hl', '04 01'],
    ['match', 'frag', '00000000 ffffffff 00000000 40 00'],
    ['match', 'frag', '00000000 ffffffff 00000000 00 01'],
    ['match', 'frag', '00000000 ffffffff 00000000 04 04'],
    ['match', 'frag', '00000000 ffffffff 00000000 30 00'],
    ['match', 'rt', '00000000 00000000 ffffffff 00000000 40 00'],
    ['match', 'rt', '01000000 00000000 ffffffff 00000000 09 00'],
    ['match', 'rt', '00000000 00000000 ffffffff 00000000 09 01'],
    ['match', 'rt', '00000000 00000000 ffffffff 00000000 21 00'],
    ['match', 'rt', '00000000 00000000 ffffffff 00000000 11 00'],
    ['match', 'rt', `00000000 00000000 ffffffff 00000000 11 00 0000 ${'0'.repeat(512)} 11`],
    ['match', 'hbh', '08000000 05 00'],
    ['match', 'hbh', '00000000 02 00'],
    ['match', 'hbh', `00000000 02 00 0500 ${'0'.repeat(60)} 01`],
    ['match', 'dst', `00000000 02 00 ff05 ${'0'.repeat(60)} 11`],
    ['match', 'dst', `00000000 02 00 ${'ff05'.repeat(15)} 0305 10`],
    ['match', 'ipv6header', '00 00 00'],
    ['match', 'ipv6header', '08 01 ff'],
    ['match', 'mh', '05 04 00'],
    ['match', 'mh', '00 ff 02'],
    ['match', 'srh', `${'0'.repeat(208)} 0040`, 1],
    ['match', 'srh', `${'0'.repeat(208)} 0000 0100`, 1],
    // The segment id's mask has a hole.
    ['match', 'srh', `${'0'.repeat(112)} ff00ff ${'0'.repeat(90)} 0008`, 1],
    ['target', 'HL', '03 01'],
    ['target', 'HL', '01 00'],
    ['target', 'TTL', '02 00', 0, 'ip'],
    ['target', 'SNPT', `${'0'.repeat(64)} 81 00`],
    ['target', 'NETMAP', '01000000 03000000 01020300 010203ff', 0, 'ip'],
    ['target', 'NETMAP', '01000000 01000000 01020301 01020302', 0, 'ip'],
    ['target', 'NETMAP', `01000000 ${'0'.repeat(31)}1 ${'0'.repeat(31)}2`],
    ['target', 'LOG', '08 00'],
    ['target', 'NFLOG', '00000000 0000 0000 0200'],
    ['target', 'MARK', '0000000001000000'],
    ['target', 'MARK', '0100000000000000 03', 1],
  ];
  for (const [kind, name, hex, number, family] of rows) {
    assert.throws(() => read(kind, name, hex, number, family), ValueError, `${name} ${hex}`);
  }
});

test('structs that mean the same are made the same', () => {
  const rows: [Kind, string, number, string, string, IpFamily?][] = [
    ['match', 'frag', 0, '00000000 ffffffff 00000000 05', '00000000 ffffffff 00000000 04'],
    // The kernel looks at the range and at its inversion, never at the bit.
    ['match', 'frag', 0, '00000000 ffffffff 00000000 0401', '00000000 ffffffff 00000000 0501'],
    ['match', 'frag', 0, '01000000 ffffffff 00000000 04', '01000000 ffffffff 00000000 05'],
    ['match', 'rt', 0, '00000000 00000000 ffffffff 00000000 03', '00000000 00000000 ffffffff 00000000 01'],
    ['match', 'ipv6header', 0, '08 00 01', '08 00 ff'],
    // One zone in both directions, and zone 0 in one.
    ['target', 'CT', 2, '0c00 0500', '0000 0500'],
    ['target', 'CT', 2, '0400 0000', '0000 0000'],
  ];
  for (const [kind, name, number, hex, same, family] of rows) {
    const r = revision(kind, name, number, family);
    const s = struct(hex, r.size);
    r.canonical?.(s);
    assert.deepEqual(s.bytes, struct(same, r.size).bytes, `${name} ${hex}`);
  }
  const kept: [Kind, string, number, string][] = [
    ['target', 'CT', 2, '0400 0500'],
    ['target', 'CT', 2, '1400 0000'],
  ];
  for (const [kind, name, number, hex] of kept) {
    const r = revision(kind, name, number);
    const s = struct(hex, r.size);
    r.canonical?.(s);
    assert.deepEqual(s.bytes, struct(hex, r.size).bytes, `${name} ${hex}`);
  }
});

test('a range without its bit is read as the range the kernel compares with, and the real save prints', () => {
  const text = (name: string, hex: string): string =>
    formatRule({ matches: [{ name, ...(read('match', name, hex) as object) } as never] }, 'ip6');
  assert.equal(text('frag', '02000000 05000000 00000000 04'), '-m frag --fragid 2:5 --fragres');
  assert.equal(text('rt', '00000000 02000000 05000000 00000000 01'), '-m rt --rt-type 0 --rt-segsleft 2:5');
  assert.equal(text('frag', '00000000 ffffffff 00000000 04'), '-m frag --fragres');
});

test('a range of everything is not printed; inverted it is, which the real save forgets', () => {
  assert.equal(formatRule(parseRule('-m frag --fragid : --fragmore', 'ip6'), 'ip6'), '-m frag --fragmore');
  assert.equal(formatRule(parseRule('-m rt --rt-type 1 --rt-segsleft 0:0xffffffff', 'ip6'), 'ip6'), '-m rt --rt-type 1');
  for (const rule of [
    '-m frag ! --fragid 0:4294967295',
    '-m rt ! --rt-segsleft 0:4294967295',
    '-p mobility-header -m mh ! --mh-type 0:255',
  ])
    assert.equal(formatRule(parseRule(rule, 'ip6'), 'ip6'), rule);
});

test('a prefix of no bits is printed, or the rule could not be read back', () => {
  const rule = '-j SNPT --src-pfx ::/0 --dst-pfx ::/0';
  assert.equal(formatRule(parseRule(rule, 'ip6'), 'ip6'), rule);
});

test('what the real program would make another rule of is refused', () => {
  const rules: [IpFamily, string][] = [
    ['ip6', '-m frag --fragid 4:3'],
    ['ip6', '-m srh --srh-hdr-len-eq 5 --srh-hdr-len-gt 6'],
    ['ip6', '-m srh --srh-psid a::/ffff:0:ffff::'],
    ['ip6', '-m hbh --hbh-opts 256'],
    ['ip6', '-m dst --dst-opts 1:-1'],
    ['ip6', '-j DNPT --src-pfx a::/ffff:0:ffff:: --dst-pfx b::/64'],
    ['ip', '-j NETMAP --to 1.2.3.0/255.0.255.0'],
    ['ip', '-j NETMAP --to 1.2.3/24'],
    ['ip6', '-m mh --mh-type 1'],
    ['ip6', '! -p mh -m mh --mh-type 1'],
    ['ip6', '-m icmp6 --icmpv6-type 1'],
  ];
  for (const [family, rule] of rules) assert.throws(() => parseRule(rule, family), { code: 'ERR_RULE_SYNTAX' }, rule);
});

test('options a program wrote, in any order', () => {
  const rule = normalizeRule(
    { matches: [{ name: 'rt', rt0NotStrict: true, rt0Addrs: ['::1', '2001:DB8::2'], rtSegsleft: [3, 3], rtType: 0 }] },
    'ip6',
  );
  assert.equal(formatRule(rule, 'ip6'), '-m rt --rt-type 0 --rt-segsleft 3 --rt-0-addrs ::1,2001:db8::2 --rt-0-not-strict');
  assert.deepEqual(normalizeRule({ matches: [{ name: 'hbh', hbhOpts: [{ type: 5, length: 255 }] }] }, 'ip6').matches, [
    { name: 'hbh', hbhOpts: [{ type: 5 }] },
  ]);
  assert.deepEqual(normalizeRule({ matches: [{ name: 'ipv6header', header: ['esp', 'ah'] }] }, 'ip6').matches, [
    { name: 'ipv6header', header: ['ah', 'esp'] },
  ]);
  assert.throws(() => normalizeRule({ target: { name: 'HL', hlSet: 1, hlInc: 2 } }, 'ip6'), { code: 'ERR_INVALID_ARG' });
});

test('the multicast listener of 1.8.10 and later has names', () => {
  const spec = parseRule('-p ipv6-icmp --icmpv6-type mld-listener-done', 'ip6');
  assert.deepEqual(spec.matches, [{ name: 'icmp6', icmpv6Type: { type: 132 } }]);
  const list = codecOf('match', 'icmp6')?.list;
  assert.equal(
    list?.({ icmpv6Type: { type: 132 } }, { family: 'ip6', protocol: 58, protocolInverted: false, numeric: false }),
    ' ipv6-icmp mld-listener-done',
  );
});
