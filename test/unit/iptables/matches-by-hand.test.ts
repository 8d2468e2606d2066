// Matches as no recording can show them: what the kernel recorded with lacks, the structs of older revisions (offsets as a compiler gives
// them for linux/netfilter/xt_*.h), and where nflink knows better than iptables 1.8.9.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Codec, type IpFamily, ValueError } from '../../../lib/iptables/extensions/codec.ts';
import { parseNames } from '../../../lib/iptables/extensions/iproute2-names.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import { readEntry } from '../../../lib/iptables/legacy/entry.ts';
import { layouts, STANDARD_TARGET_SIZE } from '../../../lib/iptables/legacy/layout.ts';
import { contextOf } from '../../../lib/iptables/rule/printer.ts';
import { formatRule, normalizeRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { bytesContext, readMatch, revisionOf, writeMatch } from './xt-entry.ts';

function matchOf(text: string, family: IpFamily = 'ip'): Record<string, unknown> & { name: string } {
  const [match] = parseRule(text, family).matches ?? [];
  assert.ok(match !== undefined);
  return match as unknown as Record<string, unknown> & { name: string };
}
function listed(text: string, numeric: boolean, family: IpFamily = 'ip'): string | undefined {
  const { name, ...options } = matchOf(text, family);
  return codecOf('match', name, family)?.list?.(options, { ...contextOf(parseRule(text, family), family), numeric });
}
/** Bytes as `offset:hex`, the others 0. */
function bytes(size: number, parts: Readonly<Record<number, string>>): string {
  const out = Buffer.alloc(size);
  for (const [at, hex] of Object.entries(parts)) out.write(hex, Number(at), 'hex');
  return out.toString('hex');
}
function hasBytes(text: string, revision: number, size: number, parts: Readonly<Record<number, string>>, kernelName?: string): void {
  const match = matchOf(text);
  const c = bytesContext('ip');
  const data = writeMatch(match, revision, size, c);
  assert.equal(Buffer.from(data).toString('hex'), bytes(size, parts), `${text}: revision ${revision}`);
  assert.deepEqual(readMatch({ name: kernelName ?? match.name, revision, data }, c), match, `${text}: revision ${revision}`);
}

test('ipvs: the structs are those of the real program', () => {
  for (const [text, hex] of [
    ['--ipvs', '00000000000000000000000000000000000000000000000000000000000000000000000000000001'],
    ['! --ipvs', '00000000000000000000000000000000000000000000000000000000000000000000000000000101'],
    ['--vproto tcp', '00000000000000000000000000000000000000000000000000000000000000000000060000000003'],
    ['! --vproto 23 --vport 80', '0000000000000000000000000000000000000000000000000000000000000000005017000000020b'],
    ['--vaddr 1.2.3.4/16', '01020304000000000000000000000000ffff00000000000000000000000000000000000000000005'],
    ['! --vaddr 1.2.3.4', '01020304000000000000000000000000ffffffffffffffffffffffffffffffff0000000000000405'],
    ['--vdir original', '00000000000000000000000000000000000000000000000000000000000000000000000000000011'],
    ['--vdir REPLY', '00000000000000000000000000000000000000000000000000000000000000000000000000001011'],
    ['--vmethod gate', '00000000000000000000000000000000000000000000000000000000000000000000000300000021'],
    ['--vmethod IPIP', '00000000000000000000000000000000000000000000000000000000000000000000000200000021'],
    ['! --vmethod MASQ', '00000000000000000000000000000000000000000000000000000000000000000000000000002021'],
    ['--vportctl 21', '00000000000000000000000000000000000000000000000000000000000000000000000000150041'],
    ['--ipvs --vport http', '00000000000000000000000000000000000000000000000000000000000000000050000000000009'],
  ] as const) {
    const match = matchOf(`-m ipvs ${text}`);
    const data = writeMatch(match, 0, 40, bytesContext('ip'));
    assert.equal(Buffer.from(data).toString('hex'), hex, text);
    assert.deepEqual(readMatch({ name: 'ipvs', revision: 0, data }, bytesContext('ip')), match, text);
  }
  const six = matchOf('-m ipvs --vaddr fe80::1/64 ! --vportctl ftp --vport 65535 --vproto udp', 'ip6');
  assert.equal(
    Buffer.from(writeMatch(six, 0, 40, bytesContext('ip6'))).toString('hex'),
    'fe800000000000000000000000000001ffffffffffffffff0000000000000000ffff11000015404f',
  );
});

test('ipvs: what is saved and listed', () => {
  const all = '-m ipvs ! --vproto 6 --vaddr 0.0.0.0/8 ! --vport 22 --vdir REPLY --vmethod MASQ --vportctl 21';
  assert.equal(formatRule(parseRule(all)), all);
  assert.equal(listed(all, true), ' ! vproto 6 vaddr 0.0.0.0/8 ! vport 22 vdir REPLY vmethod MASQ vportctl 21');
  assert.equal(listed(all, false), ' ! vproto 6 vaddr anywhere ! vport 22 vdir REPLY vmethod MASQ vportctl 21');
  assert.equal(formatRule(parseRule('-m ipvs --ipvs --vport http')), '-m ipvs --vport 80');
  assert.equal(listed('-m ipvs ! --ipvs', true), ' ! ipvs');
  assert.throws(() => parseRule('-m ipvs ! --ipvs --vport 80'), /cannot be together with other options/);
});

test('older revisions', () => {
  hasBytes('-m tos ! --tos 0x10', 0, 8, { 0: '1001' });
  hasBytes('-m connmark ! --mark 0x10/0xff', 0, 24, { 0: '10', 8: 'ff', 16: '01' });
  hasBytes('-m nfacct --nfacct-name foo', 0, 40, { 0: '666f6f' });
  const state =
    '-m conntrack --ctstate NEW,DNAT ! --ctproto tcp --ctorigsrc 1.2.3.4/8 --ctorigdst 5.6.7.8 --ctreplsrc 9.9.9.9/24 ! --ctrepldst 8.8.8.8';
  hasBytes(`${state} --ctstatus ASSURED --ctexpire 1:2`, 0, 80, {
    ...{ 0: '88', 4: '04', 8: '01020304', 16: '05060708', 22: '06', 24: '09090909', 32: '08080808' },
    ...{ 40: 'ff000000', 44: 'ffffff00', 48: 'ffffffff', 52: 'ffffffff', 56: '01', 64: '02', 72: 'ff22' },
  });
  hasBytes('-m state ! --state NEW,ESTABLISHED', 1, 152, { 146: '0120', 148: '01', 150: '0a' }, 'conntrack');
  const table = { 16: '04', 24: '05', 36: 'e803', 40: 'e803' };
  hasBytes('-m hashlimit --hashlimit-upto 3/sec --hashlimit-mode srcip --hashlimit-name a', 0, 64, { ...table, 0: '61', 20: '050d' });
  hasBytes('-m hashlimit --hashlimit-above 3/sec --hashlimit-mode srcip --hashlimit-name a --hashlimit-srcmask 24', 1, 56, {
    ...{ ...table, 0: '61', 16: '14', 20: '050d', 44: '1820' },
  });
  hasBytes('-m hashlimit --hashlimit-above 512kb/s --hashlimit-burst 1mb --hashlimit-name a', 2, 304, {
    ...{ 0: '61', 256: 'fcff0100', 264: '02', 272: '30', 284: 'e803', 288: '60ea', 292: '2020' },
  });
});

test("the kernel's own match state is read", () => {
  const c = bytesContext('ip');
  const read = (mask: number[]): unknown => readMatch({ name: 'state', revision: 0, data: Uint8Array.from([...mask, 0, 0, 0, 0]) }, c);
  assert.deepEqual(read([0x08, 0, 0, 0]), { name: 'state', state: ['NEW'] });
  assert.deepEqual(read([0xf7, 0xff, 0xff, 0xff]), { name: 'state', state: { not: ['NEW'] } });
});

test('set: a comparison or a flag that no option says is not left out', () => {
  const text = '-m set --match-set foo src --packets-gt 5 --bytes-lt 6 ! --update-counters';
  const c = bytesContext('ip', ['foo']);
  // Offsets of the two operators and of the flags: struct xt_set_info_match_v3, _v4.
  for (const [revision, places] of [
    [3, [8, 24, 41]],
    [4, [16, 32, 41]],
  ] as const) {
    const data = writeMatch(matchOf(text), revision, 48, c);
    assert.deepEqual(readMatch({ name: 'set', revision, data }, c), matchOf(text));
    for (const at of places) {
      const other = data.slice().fill(5, at, at + 1);
      assert.throws(() => readMatch({ name: 'set', revision, data: other }, c), ValueError, `revision ${revision}: ${at}`);
    }
  }
});

test('what a revision cannot say goes to another', () => {
  const can = (text: string, revision: number): boolean | undefined => {
    const match = matchOf(text);
    return revisionOf(codecOf('match', match.name) as never, revision, 'ip').can?.(match);
  };
  const named = '--hashlimit-name a';
  assert.equal(can(`-m hashlimit --hashlimit-upto 3/sec ${named}`, 0), true);
  assert.equal(can(`-m hashlimit --hashlimit-above 3/sec ${named}`, 0), false);
  assert.equal(can(`-m hashlimit --hashlimit-upto 20000/sec ${named}`, 1), false);
  assert.equal(can(`-m hashlimit --hashlimit-upto 3/sec --hashlimit-name longer-than-a-device`, 1), false);
  assert.equal(can(`-m hashlimit --hashlimit-upto 3/sec --hashlimit-rate-match ${named}`, 2), false);
  assert.equal(can('-m tos --tos Minimize-Delay', 0), false);
  assert.equal(can('-m conntrack --ctorigsrcport 5', 0), false);
  assert.equal(can('-m state --state UNTRACKED', 1), false);
});

test('a service is looked for among those of the protocol', () => {
  // /etc/services has these two for one of the protocols only.
  assert.equal(formatRule(parseRule('-p tcp --dport exec')), '-p tcp -m tcp --dport 512');
  for (const text of ['-p tcp --dport biff', '-p tcp -m multiport --dports biff', '-p sctp -m multiport --sports 22,http'])
    assert.throws(() => parseRule(text), { code: 'ERR_RULE_SYNTAX' }, text);
});

const NAMED = [
  ...['-m cgroup --path', '-m helper --helper', '-m recent --set --name', '-m hashlimit --hashlimit 1/s --hashlimit-name', '-i', '-o'],
  ...['-m bpf --object-pinned', '-p tcp -m osf --genre', '-m rateest --rateest-gt --rateest-bps 5 --rateest', '-m physdev --physdev-in'],
  ...['-m comment --comment', '-m nfacct --nfacct-name', '-j IDLETIMER --timeout 5 --label', '-j SECMARK --selctx', '-j CT --helper'],
  ...['-j LED --led-trigger-id', '-j CT --timeout', '-j TEE --gateway 1.1.1.1 --oif', '-j LOG --log-prefix', '-j NFLOG --nflog-prefix'],
  ...['-j RATEEST --rateest-interval 250ms --rateest-ewmalog 500ms --rateest-name', '-j ULOG --ulog-prefix'],
];

test('text of two lines is refused, and read as bytes: the second would be a line of save text', () => {
  for (const option of [...NAMED, '-m set --match-set', '-j SET --add-set']) {
    const words = [...option.split(' '), 'two\nlines', ...(option.endsWith('-set') ? ['src'] : [])];
    assert.throws(() => parseRule(words), { code: 'ERR_RULE_SYNTAX' }, option);
  }
  for (const option of NAMED.filter((o) => !/^-[io]$/.test(o))) {
    const { matches = [], target } = parseRule([...option.split(' '), 'two=lines']);
    const options = matches.at(-1) ?? (target as { readonly name: string });
    const kind = target === undefined ? 'match' : 'target';
    const codec = codecOf(kind, options.name, 'ip') as Codec;
    for (const revision of codec.revisions.filter((r) => r.family !== 'ip6' && r.can?.(options as never) !== false)) {
      const data = new Uint8Array(revision.size);
      revision.write(options as never, new Struct(data), bytesContext('ip'));
      assert.doesNotThrow(() => revision.read(new Struct(data), bytesContext('ip')), option);
      data[data.indexOf('='.charCodeAt(0))] = '\n'.charCodeAt(0);
      assert.throws(() => revision.read(new Struct(data), bytesContext('ip')), ValueError, `${option}: revision ${revision.revision}`);
    }
  }
  for (const family of ['ip', 'ip6'] as const) {
    const at = layouts[family];
    const entry = Buffer.alloc(at.size + STANDARD_TARGET_SIZE);
    entry.writeUInt16LE(at.size, at.targetOffset);
    const read = (name: string) => {
      entry.write(name, at.outInterface);
      entry.fill(0xff, at.outMask, at.outMask + name.length + 1);
      return readEntry(entry, family, () => undefined);
    };
    assert.equal(read('a b')?.outInterface?.name, 'a b');
    assert.equal(read('a\nb'), undefined);
  }
});

test('what reads as something else in the real programs is refused', () => {
  for (const text of [
    ...['-m hashlimit --hashlimit-upto 10mb --hashlimit-name a', '-m hashlimit --hashlimit-upto 1gb/s --hashlimit-name a'],
    ...['-m hashlimit --hashlimit-upto 1mb/min --hashlimit-name a', '-m hashlimit --hashlimit-upto 1.5/s --hashlimit-name a'],
    ...[
      '-m hashlimit --hashlimit-upto 70000mb/s --hashlimit-name a',
      '-m hashlimit --hashlimit-upto 10b/s --hashlimit-burst 5 --hashlimit-name a',
    ],
    ...['-m hashlimit --hashlimit-upto 1/s --hashlimit-srcmask 33 --hashlimit-name a', '-m dscp --dscp-class CS12'],
    ...['-m length --length 4:3', '-m policy --dir in --pol ipsec --mode tunnel --tunnel-src 10.0.0.0/33'],
    ...[
      '-m rateest --rateest a --rateest-gt --rateest-bps 1tbit',
      '-m rateest --rateest a --rateest-gt',
      '-m rateest --rateest a --rateest-bps 5',
    ],
    ...['-m rateest --rateest a --rateest-gt --rateest-lt --rateest-bps 5', '-m osf --genre 12345678901234567890123456789012'],
  ]) {
    assert.throws(() => parseRule(text), { code: 'ERR_RULE_SYNTAX' }, text);
  }
});

test('saved text restores the same rule where the real programs lose it', () => {
  for (const [text, saved] of [
    ['-p ipcomp -m ipcomp --ipcompspi :', '-p ipcomp -m ipcomp'],
    ['-p ipcomp -m ipcomp ! --ipcompspi :', '-p ipcomp -m ipcomp ! --ipcompspi 0:4294967295'],
    ['-m hashlimit --hashlimit-above 10b/s --hashlimit-name a', '-m hashlimit --hashlimit-above 0b/s --hashlimit-name a'],
    [
      '-m hashlimit --hashlimit-upto 1/s --hashlimit-name "a b"',
      '-m hashlimit --hashlimit-upto 1/sec --hashlimit-burst 5 --hashlimit-name "a b"',
    ],
    ['-m osf --genre "Some OS"', '-m osf --genre "Some OS"'],
    ['-m policy --dir in --pol none --reqid 1', '-m policy --dir in --pol none'],
    [
      '-m rateest --rateest a --rateest-gt --rateest-bps 8 --rateest-pps 5',
      '-m rateest --rateest a --rateest-gt --rateest-bps 8bit --rateest-pps 5',
    ],
  ] as const) {
    const rule = parseRule(text);
    assert.equal(formatRule(rule), saved, text);
    assert.deepEqual(parseRule(saved), rule, text);
    assert.deepEqual(normalizeRule(rule), rule, text);
  }
});

test('a rate or a burst that is printed less exactly than it was given keeps what it was given', () => {
  assert.equal(matchOf('-m rateest --rateest a --rateest-gt --rateest-bps 1234567bit')['rateestBps'], '1235Kbit@154320');
  assert.equal(matchOf('-m hashlimit --hashlimit-upto 512kb/s --hashlimit-burst 1025kb --hashlimit-name a')['hashlimitBurst'], 3 * 524288);
  for (const text of [
    '-m rateest --rateest a --rateest-gt --rateest-bps 1Mibit',
    '-m rateest --rateest a --rateest-gt --rateest-bps 1GiBps',
  ]) {
    const rule = parseRule(text);
    assert.deepEqual(normalizeRule(rule), rule);
  }
});

test('what means the same is the same', () => {
  const canonical = (text: string, edit: (s: Struct) => void): void => {
    const match = matchOf(text);
    const revision = revisionOf(codecOf('match', match.name) as never, text.includes('conntrack') ? 3 : 0, 'ip');
    const size = (revision.size + 7) & ~7;
    const [own, other] = [
      writeMatch(match, revision.revision, size, bytesContext('ip')),
      writeMatch(match, revision.revision, size, bytesContext('ip')),
    ];
    edit(new Struct(other));
    assert.notDeepEqual(own, other, text);
    revision.canonical?.(new Struct(own));
    revision.canonical?.(new Struct(other));
    assert.deepEqual(own, other, text);
  };
  canonical('-m conntrack --ctorigdst 1.2.3.4', (s) => s.bytes.fill(0, 52, 64));
  canonical('-m policy --dir in --mode tunnel --tunnel-src 1.2.3.4', (s) => s.bytes.fill(0, 20, 32));
  canonical('-m ipvs --vport 80', (s) => s.setU8(39, 0x08));
  canonical('-m rateest --rateest1 a --rateest-gt --rateest2 b --rateest-bps', (s) => s.setU32(44, 7));
});

test('a mask that is not given is listed', () => {
  assert.equal(listed('-m recent --set', true), ' recent: SET name: DEFAULT side: source mask: 255.255.255.255');
});

test('names of iproute2', () => {
  const names = parseNames('# comment\n0\tcosmos\n 0x10  hex # sixteen\n16 again\n256 toolarge\n7\n8 # none\nx y\n');
  assert.equal(names.nameOf(0), 'cosmos');
  assert.equal(names.nameOf(16), 'hex');
  assert.equal(names.numberOf('again'), 16);
  assert.equal(names.numberOf('toolarge'), undefined);
  assert.equal(names.nameOf(7), undefined);
  assert.equal(names.nameOf(8), undefined);
});

test('options a program writes', () => {
  const { matches } = normalizeRule({
    matches: [
      { name: 'hashlimit', hashlimitAbove: '90/min', hashlimitName: 'a', hashlimitMode: ['dstport', 'srcip'] },
      {
        name: 'policy',
        dir: 'in',
        strict: true,
        elements: [
          { reqid: 5, proto: { not: 'esp' } },
          { mode: 'tunnel', tunnelSrc: '10.0.0.0/8' },
        ],
      },
      { name: 'rateest', rateest: 'a', rateestLt: { not: true }, rateestPps: 5 },
      { name: 'rateest', rateest1: 'a', rateest2: 'b', rateestEq: true, rateestBps: true },
      { name: 'quota', quota: { not: 5n } },
      { name: 'length', length: [5, 9] },
      { name: 'ipvs', vmethod: 'GATE', vdir: 'REPLY' },
    ],
  });
  assert.equal(
    formatRule({ matches: matches ?? [] }),
    [
      '-m hashlimit --hashlimit-above 90/min --hashlimit-burst 5 --hashlimit-mode srcip,dstport --hashlimit-name a',
      '-m policy --dir in --pol ipsec --strict --reqid 5 ! --proto esp --next --mode tunnel --tunnel-src 10.0.0.0/8',
      '-m rateest --rateest a ! --rateest-lt --rateest-pps 5',
      '-m rateest --rateest1 a --rateest-eq --rateest-bps --rateest2 b',
      '-m quota ! --quota 5',
      '-m length --length 5:9',
      '-m ipvs --vdir REPLY --vmethod GATE',
    ].join(' '),
  );
});
