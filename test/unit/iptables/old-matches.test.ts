// Matches by tables: revisions this kernel doesn't choose, with bytes by the headers; where nflink differs from iptables 1.8.9 on purpose;
// structs that no options can say.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpFamily } from '../../../lib/iptables/extensions/codec.ts';
import { ValueError } from '../../../lib/iptables/extensions/codec.ts';
import { accountLine, iproute2Line, labelLine, namesOf, readableName } from '../../../lib/iptables/extensions/name-files.ts';
import { codecOf } from '../../../lib/iptables/extensions/registry.ts';
import { Struct } from '../../../lib/iptables/extensions/struct.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { formatRule, normalizeRule, parseRule } from '../../../lib/iptables/rule-text.ts';
import { bytesContext, readMatch, revisionOf, writeMatch } from './xt-entry.ts';

interface Match {
  readonly name: string;
}
function matchOf(rule: string, family: IpFamily): Match {
  const match = parseRule(rule, family).matches?.[0];
  assert.ok(match !== undefined, rule);
  return match;
}
/** Bytes as `offset:hex` parts, the rest zero. */
function struct(size: number, parts: string): Uint8Array {
  const bytes = new Uint8Array((size + 7) & ~7);
  for (const part of parts.split(' ').filter((p) => p !== '')) {
    const [at, hex = ''] = part.split(':');
    bytes.set(Buffer.from(hex, 'hex'), Number(at));
  }
  return bytes;
}

/** family | rule | revision | its struct. */
const OLD = `
ip | -m owner --uid-owner 5 | 0 | 0:05 32:01
ip | -m owner ! --uid-owner 5 --gid-owner 258 | 0 | 0:05 4:0201 32:0301
ip6 | -m owner --uid-owner 1000 ! --gid-owner 7 | 0 | 0:e803 4:07 16:0302
ip | -m connlimit --connlimit-above 5 --connlimit-mask 24 | 0 | 0:ffffff 16:05
ip6 | -m connlimit --connlimit-upto 5 --connlimit-mask 20 | 0 | 0:fffff0 16:05 20:01
ip | -m string --string abc --algo kmp --to 9 | 0 | 2:09 4:6b6d70 20:616263 148:03
ip | -m string ! --hex-string |00ff| --algo bm --from 1 | 0 | 0:01 2:ffff 4:626d 20:00ff 148:02 149:01
ip | -m bpf --bytecode "2,48 1 2 9,6 0 0 4294967295" | 0 | 0:02 4:30000102 8:09 12:06 16:ffffffff
ip | -m bpf --object-pinned /sys/fs/bpf/x | 1 | 0:01 8:2f7379732f66732f6270662f78
ip | -m cgroup ! --cgroup 258 | 0 | 0:0201 4:01
ip | -m cgroup --cgroup 258 | 1 | 1:01 4100:0201
ip | -m cgroup ! --path a/b | 1 | 0:01 2:01 4:612f62
ip | -m cgroup ! --path a/b | 2 | 0:01 2:01 4:612f62
`;

test('older revisions, and what the kernel here was not asked', () => {
  for (const line of OLD.trim().split('\n')) {
    // A hex string has bars of its own.
    const [, family, rule, revision, parts] = /^(ip6?) \| (.*) \| (\d) \| (.*)$/.exec(line) as unknown as string[] & { 1: IpFamily };
    const c = bytesContext(family as IpFamily);
    const options = matchOf(rule as string, c.family);
    const codec = codecOf('match', options.name, c.family);
    assert.ok(codec !== undefined);
    const { size } = revisionOf(codec, Number(revision), c.family);
    const bytes = struct(size, parts as string);
    assert.equal(
      Buffer.from(writeMatch(options, Number(revision), bytes.length, c)).toString('hex'),
      Buffer.from(bytes).toString('hex'),
      line,
    );
    assert.deepEqual(readMatch({ name: options.name, revision: Number(revision), data: bytes }, c), options, line);
  }
});

/** family | rule | the oldest revision that can say it. */
const OLDEST = `
ip | -m owner --uid-owner 5-6 | 1
ip | -m owner --socket-exists | 1
ip | -m owner --gid-owner 5 --suppl-groups | 1
ip | -m connlimit --connlimit-above 5 --connlimit-daddr | 1
ip | -m string --string a --algo bm --icase | 1
ip | -m bpf --object-pinned /x | 1
ip | -m cgroup --path / | 1
`;
test('a revision that cannot say the options says so', () => {
  for (const line of OLDEST.trim().split('\n')) {
    const [family, rule, oldest] = line.split(' | ') as [IpFamily, string, string];
    const { name, ...options } = matchOf(rule, family);
    const able = codecOf('match', name, family)?.revisions.find((r) => (r.family ?? family) === family && (r.can?.(options) ?? true));
    assert.equal(able?.revision, Number(oldest), line);
  }
});

/** family | rule | as nflink prints it, where 1.8.9 prints what it reads as another rule, or not at all. */
const PRINTED = `
ip | -p ah -m ah ! --ahspi 0:4294967295 | =
ip6 | -m ah ! --ahspi : --ahlen 0 | -m ah ! --ahspi 0:4294967295
ip | -p esp -m esp ! --espspi 0: | -p esp -m esp ! --espspi 0:4294967295
ip | -m connbytes --connbytes :0 --connbytes-mode packets --connbytes-dir both | -m connbytes --connbytes 0:0 --connbytes-mode packets --connbytes-dir both
ip | -m physdev --physdev-in "a b" | =
ip | -m time --datestop 1970 | -m time --datestop 1970-01-01T00:00:00
ip | -m time --monthdays 0 | -m time --monthdays "" --datestop 2038-01-19T03:14:07
ip | -m time ! --weekdays 1,2,3,4,5,6,7 | -m time --weekdays "" --datestop 2038-01-19T03:14:07
ip | -m time --kerneltz --localtz | -m time --datestop 2038-01-19T03:14:07 --kerneltz
ip | -p dccp -m dccp --dccp-types "" | =
ip | -p sctp -m sctp --chunk-types any I_DATA:iUb | -p sctp -m sctp --chunk-types any I_DATA:iUb
ip | -m cluster --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 1 | -m cluster --cluster-local-nodemask 0x80000000 --cluster-total-nodes 32 --cluster-hash-seed 0x00000001
`;
test('what iptables 1.8.9 loses in printing is kept', () => {
  for (const line of PRINTED.trim().split('\n')) {
    const [family, rule, printed] = line.split(' | ') as [IpFamily, string, string];
    const spec = parseRule(rule, family);
    const text = formatRule(spec, family);
    assert.equal(text, printed === '=' ? rule : printed, line);
    assert.deepEqual(parseRule(text, family), spec, line);
    assert.deepEqual(normalizeRule(spec, family), spec, line);
    const match = spec.matches?.at(-1) as Match;
    const c = bytesContext(family);
    const codec = codecOf('match', match.name, family);
    const { revision, size } = revisionOf(codec as NonNullable<typeof codec>, 0, family);
    const data = writeMatch(match, revision, (size + 7) & ~7, c);
    assert.deepEqual(readMatch({ name: match.name, revision, data }, c), match, line);
  }
});

/** family | rule: taken by 1.8.9, cut or turned into another. */
const REFUSED = `
ip | -p ah -m ah --ahspi 4:3
ip | -p esp -m esp --espspi 4:3
ip | -p dccp -m dccp --sport 5:4
ip | -p dccp -m dccp --sport 65536
ip | -m connbytes ! --connbytes 7:7 --connbytes-mode packets --connbytes-dir both
ip | -m connlimit --connlimit-above 1 --connlimit-mask 33
ip | -m connlimit --connlimit-above 1 --connlimit-mask 255.255.0.255
ip | -m connlabel --label 65536
ip | -m helper --helper 123456789012345678901234567890
ip | -m string --string a --algo nosuch
ip | -m time --monthdays 123
ip | -m time --weekdays 8
ip | -m bpf --bytecode "1,6 256 0 1"
ip | -m bpf --bytecode "1,6 0 0 4294967296"
ip | -m bpf --bytecode "1,6 0 0 1 1"
ip | -m bpf --bytecode "1,6 0 0 1" --object-pinned /x
ip | -m cgroup
ip | -m cgroup --path / --cgroup 1
ip | -m physdev --physdev-in ""
`;
test('what iptables 1.8.9 takes for something else is refused', () => {
  for (const line of REFUSED.trim().split('\n')) {
    const [family, rule] = line.split(' | ') as [IpFamily, string];
    assert.throws(() => parseRule(rule, family), { code: 'ERR_RULE_SYNTAX' }, line);
  }
});

/** family | match | revision | size | a struct that options would say otherwise than it is. */
const UNSAID = `
ip | owner | 1 | 20 | 16:10
ip | owner | 1 | 20 | 16:0108
ip | owner | 1 | 20 | 16:08
ip | owner | 1 | 20 | 0:ffffffffffffffff 16:01
ip | owner | 0 | 36 | 32:04
ip | owner | 1 | 20 |
ip | physdev | 0 | 66 | 0:6c6f 16:ffff 65:01
ip | physdev | 0 | 66 | 0:61616161616161616161616161616161 16:ffffffffffffffffffffffffffffffff 65:01
ip | physdev | 0 | 66 | 64:01 65:08
ip | connbytes | 0 | 24 | 16:03
ip | connbytes | 0 | 24 | 17:03
ip | connlimit | 1 | 32 | 0:ff00ff
ip | connlimit | 1 | 32 | 20:04
ip | string | 1 | 160 | 4:66736d 148:01
ip | string | 1 | 160 | 4:626d 148:81
ip | string | 1 | 160 | 4:626d 149:04
ip | time | 0 | 24 | 8:80510100
ip | time | 0 | 24 | 0:ffffffff
ip | time | 0 | 24 | 21:04
ip | time | 0 | 24 | 12:01 21:02
ip | u32 | 0 | 1984 |
ip | u32 | 0 | 1984 | 12:04 176:0201 1980:01
ip | u32 | 0 | 1984 | 176:0b01 1980:01
ip | sctp | 0 | 292 | 8:00800000 264:01 284:04
ip | sctp | 0 | 292 | 8:01 264:03 284:04
ip | sctp | 0 | 292 | 8:01 264:01 268:010101 280:01 284:04
ip | sctp | 0 | 292 | 8:01 264:01 268:000100 280:01 284:04
ip | sctp | 0 | 292 | 40:01 264:01 284:04
ip | sctp | 0 | 292 | 284:08
ip | dccp | 0 | 16 | 8:04 12:0004
ip | dccp | 0 | 16 | 8:08
ip | dccp | 0 | 16 | 4:05000400 8:01
ip | ah | 0 | 12 | 0:0400000003000000
ip6 | ah | 0 | 16 | 12:02
ip | esp | 0 | 12 | 8:02
ip | helper | 0 | 36 | 4:616161616161616161616161616161616161616161616161616161616161
ip | connlabel | 0 | 4 | 2:04
ip | devgroup | 0 | 20 |
ip | ecn | 0 | 4 | 0:02
ip | ecn | 0 | 4 | 0:010004
ip | cluster | 0 | 16 | 0:02 4:04
ip | bpf | 0 | 528 |
ip | bpf | 1 | 528 | 0:02
ip | cgroup | 2 | 528 |
ip | cgroup | 2 | 528 | 0:0101
`;
test('a struct that no options can say is not read as others', () => {
  for (const line of UNSAID.trim().split('\n')) {
    const [family, name, revision, size, parts = ''] = line.split(' |').map((p) => p.trim()) as [IpFamily, string, string, string, string];
    const data = struct(Number(size), parts);
    assert.throws(() => readMatch({ name, revision: Number(revision), data }, bytesContext(family)), ValueError, line);
  }
});

test('sctp: the order of the types with flags says nothing', () => {
  const codec = codecOf('match', 'sctp', 'ip');
  const { canonical } = revisionOf(codec as NonNullable<typeof codec>, 0, 'ip');
  const bytes = struct(292, '8:41 264:01 268:060101000202ff0000ff0000 280:02 284:04');
  const options = matchOf('-p sctp -m sctp --chunk-types any ABORT:T,DATA:B', 'ip');
  assert.deepEqual(readMatch({ name: 'sctp', revision: 0, data: bytes }, bytesContext('ip')), options);
  canonical?.(new Struct(bytes));
  assert.deepEqual(bytes, writeMatch(options, 0, bytes.length, bytesContext('ip')));
});

test('names of files', () => {
  const names = namesOf([
    [5, 'a'],
    [6, 'a'],
    [5, 'b'],
  ]);
  assert.deepEqual([names.number('a'), names.number('b'), names.name(5), names.name(7)], [5, 5, 'a', undefined]);
  const ambiguous = namesOf([
    [1, 'one'],
    [2, 'one'],
    [3, '0x4'],
  ]);
  assert.deepEqual(
    [1, 2, 3, 4].map((n) => readableName(ambiguous, n)),
    ['one', undefined, undefined, undefined],
  );
  assert.deepEqual(accountLine('root:x:0:0:root:/root:/bin/sh'), [0, 'root']);
  assert.equal(accountLine('+::::'), undefined);
  assert.deepEqual(iproute2Line('0x10\tlan # comment'), [16, 'lan']);
  assert.deepEqual(iproute2Line(' 7 wan'), [7, 'wan']);
  for (const line of ['# 1 a', '256 a', '5', '5 # a', 'a 5', '0X12 a']) assert.equal(iproute2Line(line), undefined, line);
  assert.deepEqual(labelLine('0 eth0-in'), [0, 'eth0-in']);
  assert.deepEqual(labelLine('0x7f\t bulk traffic '), [127, 'bulk traffic']);
  for (const line of ['65536 a', '# 1 a', '1', 'a 1']) assert.equal(labelLine(line), undefined, line);
});

test('options a program wrote', () => {
  const rule: RuleSpec = {
    protocol: 'sctp',
    matches: [
      { name: 'sctp', dport: { not: [5, 9] }, chunkTypes: { match: 'any', chunks: ['INIT', 'DATA:Be'] } },
      { name: 'owner', uidOwner: [5, 9] },
      { name: 'connbytes', connbytes: { not: [1n, 5n] }, connbytesMode: 'bytes', connbytesDir: 'both' },
      { name: 'time', weekdays: ['Sun', 'Mon'], monthdays: { not: [31] }, timestart: '8:00' },
      { name: 'string', hexString: '|41|b', algo: 'bm' },
      { name: 'devgroup', srcGroup: { value: 7, mask: 0xff } },
      { name: 'u32', u32: '6 & 0xff = 1' },
    ],
  };
  assert.equal(
    formatRule(normalizeRule(rule, 'ip'), 'ip'),
    '-p sctp -m sctp ! --dport 5:9 --chunk-types any DATA:Be,INIT -m owner --uid-owner 5-9' +
      ' -m connbytes ! --connbytes 1:5 --connbytes-mode bytes --connbytes-dir both' +
      ` -m time --timestart 08:00:00 --timestop 23:59:59 --monthdays ${Array.from({ length: 30 }, (_, i) => i + 1).join(',')}` +
      ' --weekdays Mon,Sun --datestop 2038-01-19T03:14:07 -m string --string "Ab" --algo bm -m devgroup --src-group 0x7/0xff' +
      ' -m u32 --u32 "0x6&0xff=0x1"',
  );
});
