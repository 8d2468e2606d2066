// parseRule, formatRule, normalizeRule and the rule template: what is accepted, where errors point, what is canonical.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rulesOf } from '../../../lib/iptables/rule-input.ts';
import type { RuleSpec } from '../../../lib/iptables/rule-spec.ts';
import { formatRule, normalizeRule, parseRule, parseRules, rule } from '../../../lib/iptables/rule-text.ts';

test('a rule is typed options', () => {
  assert.deepEqual(parseRule('-s 10.0.0.1 -i eth+ ! -p UDP -f -m mark ! --mark 1/0xf -j MARK --or-mark 4'), {
    protocol: { not: 'udp' },
    source: '10.0.0.1/32',
    inInterface: 'eth+',
    fragment: true,
    matches: [{ name: 'mark', mark: { not: { value: 1, mask: 15 } } }],
    target: { name: 'MARK', setXmark: { value: 4, mask: 4 } },
  });
  assert.deepEqual(parseRule(['-d', '10.1.2.3/8', '!', '-o', 'lo', '-p', '6', '-c', '5,6', '-g', 'CHAIN']), {
    protocol: 'tcp',
    destination: '10.0.0.0/8',
    outInterface: { not: 'lo' },
    counter: { packets: 5n, bytes: 6n },
    target: { goto: 'CHAIN' },
  });
  assert.deepEqual(parseRule(''), {});
});

test('options stand in any order, are shortened, take = and join their letter', () => {
  const canonical = '-s 1.2.3.4/32 -d 5.6.7.8/32 -i eth0 -p tcp -m tcp --dport 22 -j MARK --set-xmark 0x1/0xffffffff';
  for (const text of [
    '-j MARK --set-xmark 1 -p tcp --dport 22 -i eth0 -d 5.6.7.8 -s 1.2.3.4',
    '--jump=MARK --set-x 1 --proto=tcp --destination-p 22 --in-i eth0 --dst=5.6.7.8 --src 1.2.3.4',
    '-jMARK -ptcp -s1.2.3.4 -d5.6.7.8 -ieth0 --dport=22 --set-xmark=1',
  ]) {
    assert.equal(formatRule(parseRule(text)), canonical, text);
  }
});

test('a protocol name loads its match once; a later one is named', () => {
  assert.equal(formatRule(parseRule('-p tcp --dport 22 --sport 5')), '-p tcp -m tcp --sport 5 --dport 22');
  assert.equal(formatRule(parseRule('-p 17 --dport 53')), '-p udp -m udp --dport 53');
  assert.throws(() => parseRule('--dport 22 -p tcp'), { message: /unknown option "--dport"/ });
});

test('the newest match of a name takes the options', () => {
  assert.equal(formatRule(parseRule('-m mark --mark 1 -m mark --mark 2')), '-m mark --mark 0x1 -m mark --mark 0x2');
});

test('lists of addresses are several rules', () => {
  assert.deepEqual(
    parseRules('-s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.4/8 -j X').map((r) => formatRule(r)),
    [
      '-s 1.1.1.1/32 -d 3.3.3.3/32 -j X',
      '-s 1.1.1.1/32 -d 4.0.0.0/8 -j X',
      '-s 2.2.2.2/32 -d 3.3.3.3/32 -j X',
      '-s 2.2.2.2/32 -d 4.0.0.0/8 -j X',
    ],
  );
  assert.throws(() => parseRule('-j X -s 1.1.1.1,2.2.2.2'), { word: '1.1.1.1,2.2.2.2', wordIndex: 3, column: 9 });
});

// Text, the word an error names, its index and column, and the reason.
const errors: readonly (readonly [text: string, word: string, wordIndex: number, column: number, reason: RegExp])[] = [
  ['-p tcp -p udp', '-p', 2, 8, /multiple -p flags not allowed/],
  ['-j A -g B', '-g', 2, 6, /multiple -j flags not allowed/],
  ['-p foo', 'foo', 1, 4, /unknown protocol "foo" specified/],
  ['! -p all', 'all', 2, 6, /rule would never match protocol/],
  ['-s host.example', 'host.example', 1, 4, /host\/network `host.example' not found.*not looked up/],
  ['-s ::1', '::1', 1, 4, /other family/],
  ['-s 1.2.3.4/33', '1.2.3.4/33', 1, 4, /invalid mask `33' specified/],
  ['--source=1.2.3.4/33', '1.2.3.4/33', 0, 10, /invalid mask/],
  ['-s ! 1.2.3.4', '!', 1, 4, /Bad argument `!': it stands before the option/],
  ['! -s 1.1.1.1,2.2.2.2', '1.1.1.1,2.2.2.2', 2, 6, /! not allowed with multiple/],
  ['-i thisinterfaceistoolong0', 'thisinterfaceistoolong0', 1, 4, /must be shorter than 16 characters/],
  ['-i ""', '', 1, 4, /Empty interface/],
  ['! ! -p tcp', '!', 1, 3, /multiple consecutive ! not allowed/],
  ['-j X !', '!', 2, 6, /nothing appropriate following !/],
  ['-j X foo', 'foo', 2, 6, /Bad argument `foo'/],
  ['-p', '', 1, 4, /option "-p" requires an argument/],
  ['-m mark --mark', '', 3, 16, /option "--mark" requires an argument/],
  ['-m nosuch', 'nosuch', 1, 4, /Couldn't load match `nosuch'/],
  ['-j SNPT', 'SNPT', 1, 4, /Couldn't load target `SNPT'/],
  ['! -m mark --mark 1', '-m', 1, 3, /unexpected ! flag before --match/],
  ['! -j X', '-j', 1, 3, /cannot have ! before -j/],
  ['-g ACCEPT', 'ACCEPT', 1, 4, /goto 'ACCEPT' is not a chain/],
  ['-j "a b"', 'a b', 1, 4, /Invalid target name `a b'/],
  ['-c a 2', 'a', 1, 4, /-c packet counter not numeric/],
  ['-c 1', '1', 1, 4, /-c requires packet and byte counter/],
  ['-A INPUT', '-A', 0, 1, /belongs to a command/],
  ['-t nat', '-t', 0, 1, /belongs to a command/],
  ['--append INPUT', '--append', 0, 1, /belongs to a command/],
  ['--nosuch 1', '--nosuch', 0, 1, /unknown option "--nosuch"/],
  ['--s 1.1.1.1', '--s', 0, 1, /ambiguous/],
  ['-6', '-6', 0, 1, /other family/],
  ['-m mark', 'mark', 1, 4, /mark: option "--mark" must be specified/],
  ['-m mark --mark 1 --mark 2', '--mark', 4, 18, /can only be used once/],
  ['-m mark --mark x', 'x', 3, 16, /mark: bad value for option "--mark" near "x"/],
  ['-m mark --mark=x', 'x', 2, 16, /mark: bad value/],
  ['-m limit ! --limit 1', '--limit', 3, 12, /cannot be inverted/],
  ['-p tcp --syn=1', '--syn=1', 2, 8, /takes no argument/],
  ['-p tcp --tcp-flags SYN', '', 4, 24, /--tcp-flags requires two args/],
  ['-p tcp --tcp-flags SYN -j X', '-j', 4, 24, /--tcp-flags requires two args/],
  ['-m tcp --dport 22', 'tcp', 1, 4, /needs -p tcp/],
  ['! -p icmp -m icmp --icmp-type 8', 'icmp', 4, 14, /needs -p icmp/],
  ['-p tcp --tcp-flags SYN FOO', 'FOO', 4, 24, /Unknown TCP flag/],
  ['-m set --match-set foo bar', 'bar', 4, 24, /'src' or 'dst'/],
  ['-p icmp --icmp-type 3/0-5', '3/0-5', 3, 21, /Unknown ICMP code/],
];
test('errors name the word, where it is and why', () => {
  for (const [text, word, wordIndex, column, reason] of errors) {
    assert.throws(
      () => parseRule(text),
      { name: 'RuleSyntaxError', code: 'ERR_RULE_SYNTAX', word, wordIndex, column, message: reason },
      text,
    );
  }
});

test('an option takes the word after it, whatever it looks like', () => {
  assert.deepEqual(parseRule('-m comment --comment ! -j X').matches, [{ name: 'comment', comment: '!' }]);
  assert.deepEqual(parseRule('-m comment --comment -j -j X').matches, [{ name: 'comment', comment: '-j' }]);
});

test('IPv6 has its own addresses and no -f', () => {
  assert.equal(formatRule(parseRule('-s 2001:DB8::1/32 -p icmpv6', 'ip6'), 'ip6'), '-s 2001:db8::/32 -p ipv6-icmp');
  assert.throws(() => parseRule('-f', 'ip6'), { message: /not supported in IPv6/ });
  assert.throws(() => parseRule('-p icmp -m icmp --icmp-type 8', 'ip6'), { message: /Couldn't load match `icmp'/ });
});

test('the template puts in single words', () => {
  assert.deepEqual(rule`-s ${'1.2.3.4'}/${24} -m comment --comment ${'a" -j DROP'} -j ${'X'}`, {
    source: '1.2.3.0/24',
    matches: [{ name: 'comment', comment: 'a" -j DROP' }],
    target: { jump: 'X' },
  });
});

test('hand-written rules become canonical', () => {
  const loose = {
    protocol: 6,
    source: '10.1.2.3/255.255.255.0',
    inInterface: '+',
    counter: { packets: 1, bytes: 2n },
    matches: [
      { name: 'tcp', dport: '22', tcpFlags: 'SYN,ACK SYN' },
      { name: 'mark', mark: '0x10/0xff' },
      { name: 'conntrack', ctstate: ['ESTABLISHED', 'NEW'], ctproto: 'udp' },
      { name: 'limit', limit: '50/s' },
      { name: 'set', matchSet: 'foo src,dst', packetsEq: 5 },
    ],
    target: { name: 'MARK', setXmark: 7 },
  } as unknown as RuleSpec;
  const canonical = {
    protocol: 'tcp',
    source: '10.1.2.0/24',
    counter: { packets: 1n, bytes: 2n },
    matches: [
      { name: 'tcp', dport: 22, tcpFlags: { mask: ['SYN', 'ACK'], set: ['SYN'] } },
      { name: 'mark', mark: { value: 16, mask: 255 } },
      { name: 'conntrack', ctstate: ['NEW', 'ESTABLISHED'], ctproto: 17 },
      { name: 'limit', limit: '50/sec', limitBurst: 5 },
      { name: 'set', matchSet: { set: 'foo', flags: ['src', 'dst'] }, packetsEq: 5n },
    ],
    target: { name: 'MARK', setXmark: { value: 7, mask: 0xffffffff } },
  };
  assert.deepEqual(normalizeRule(loose), canonical);
  assert.deepEqual(normalizeRule(canonical as unknown as RuleSpec), canonical);
  assert.equal(
    formatRule(loose),
    '-s 10.1.2.0/24 -p tcp -m tcp --dport 22 --tcp-flags SYN,ACK SYN -m mark --mark 0x10/0xff -m conntrack --ctstate NEW,ESTABLISHED ' +
      '--ctproto 17 -m limit --limit 50/sec -m set --match-set foo src,dst --packets-eq 5 -j MARK --set-xmark 0x7/0xffffffff',
  );
});

// What is wrong, and the path the error names.
const bad: readonly (readonly [spec: unknown, path: string])[] = [
  [{ sorce: '1.2.3.4' }, 'sorce'],
  [{ source: 5 }, 'source'],
  [{ source: '1.1.1.1,2.2.2.2' }, 'source'],
  [{ protocol: 'foo' }, 'protocol'],
  [{ protocol: 256 }, 'protocol'],
  [{ inInterface: 'thisinterfaceistoolong0' }, 'inInterface'],
  [{ fragment: false }, 'fragment'],
  [{ counter: { packets: -1, bytes: 0 } }, 'counter'],
  [{ matches: [{ name: 'nosuch' }] }, 'matches[0].name'],
  [
    {
      matches: [
        { name: 'mark', mark: 1 },
        { name: 'mark', mark: 'x' },
      ],
    },
    'matches[1].mark',
  ],
  [{ matches: [{ name: 'mark', marks: 1 }] }, 'matches[0].marks'],
  [{ matches: [{ name: 'mark' }] }, 'matches[0]'],
  [{ matches: [{ name: 'limit', limit: { not: '1/s' } }] }, 'matches[0].limit'],
  [{ matches: [{ name: 'conntrack', ctstate: 5 }] }, 'matches[0].ctstate'],
  [{ matches: [{ name: 'socket', transparent: 'yes' }] }, 'matches[0].transparent'],
  [{ matches: [{ name: 'tcp', dport: 22 }] }, 'matches[0]'],
  [{ target: { jump: 'a b' } }, 'target.jump'],
  [{ target: { jump: 'ACCEPT' } }, 'target.jump'],
  [{ target: { name: 'SOMECHAIN' } }, 'target.name'],
  [{ target: 'DROP' }, 'target'],
];
test('a bad value of a hand-written rule is named by its path', () => {
  for (const [spec, path] of bad) {
    assert.throws(
      () => normalizeRule(spec as RuleSpec),
      (err: Error & { code?: string }) => err.code === 'ERR_INVALID_ARG' && err.message.startsWith(`rule: ${path}: `),
      JSON.stringify(spec),
    );
  }
});

const word = fc.stringMatching(/^[a-zA-Z0-9_.:-]{1,12}$/).filter((w) => !/^[-!]/.test(w));
const port = fc.integer({ min: 0, max: 65535 });
const not = fc.constantFrom('', '! ');
const pieces = fc.oneof(
  fc.tuple(not, fc.nat(0xffffffff), fc.nat(0xffffffff)).map(([n, v, m]) => `-m mark ${n}--mark ${v}/${m}`),
  fc.string().map((s) => `-m comment --comment "${s.replace(/["\\]/g, '\\$&').replace(/\0/g, '')}"`),
  fc.tuple(not, port, port).map(([n, a, b]) => `-m tcp ${n}--dport ${Math.min(a, b)}:${Math.max(a, b)}`),
  fc
    .tuple(not, fc.subarray(['NEW', 'ESTABLISHED', 'INVALID', 'DNAT', 'UNTRACKED'], { minLength: 1 }))
    .map(([n, s]) => `-m conntrack ${n}--ctstate ${s}`),
  fc
    .tuple(not, fc.double({ min: 0, max: 1, noNaN: true }))
    .map(([n, p]) => `-m statistic --mode random ${n}--probability ${p.toFixed(12)}`),
  // Rates that are printed as they are; see the test of those that aren't.
  fc.tuple(fc.integer({ min: 1, max: 20 }), fc.constantFrom('s', 'min', 'h', 'day')).map(([n, u]) => `-m limit --limit ${n}/${u}`),
  fc.tuple(not, fc.ipV4(), fc.ipV4()).map(([n, a, b]) => `-m iprange ${n}--src-range ${a}-${b}`),
  fc.tuple(not, fc.uniqueArray(port, { minLength: 1, maxLength: 15 })).map(([n, p]) => `-m multiport ${n}--ports ${p.join(',')}`),
  fc.tuple(not, word).map(([n, w]) => `-m recent ${n}--rcheck --name ${w} --mask 255.255.255.0`),
  fc.tuple(not, word, fc.subarray(['src', 'dst'], { minLength: 1 })).map(([n, w, f]) => `-m set ${n}--match-set ${w} ${f}`),
);
test('parsed, printed and parsed again a rule is the same', () => {
  fc.assert(
    fc.property(not, fc.ipV4(), fc.nat(32), fc.array(pieces, { maxLength: 5 }), word, (n, ip, length, matches, chain) => {
      const spec = parseRule(`${n}-s ${ip}/${length} -p tcp ${matches.join(' ')} -j x${chain}`);
      const line = formatRule(spec);
      assert.deepEqual(parseRule(line), spec);
      assert.equal(formatRule(parseRule(line)), line);
    }),
    { numRuns: 300 },
  );
});

test('a rate that is printed less exactly than it was given keeps what it was given', () => {
  // 2401 a minute is a packet every 249 units of 1/10000 s, which the save commands print as one every 250.
  const spec = parseRule('-m limit --limit 2401/min');
  assert.deepEqual(spec.matches, [{ name: 'limit', limit: '40/sec@249', limitBurst: 5 }]);
  assert.equal(formatRule(spec), '-m limit --limit 40/sec');
  assert.deepEqual(normalizeRule(spec), spec);
});

test('a template is read for the family of the call that gets it', () => {
  const reject = rule`-s ${'2001:db8::1'} -p tcp -j REJECT`;
  assert.equal(formatRule(reject, 'ip6'), '-s 2001:db8::1/128 -p tcp -j REJECT --reject-with icmp6-port-unreachable');
  const either = rule`-p tcp -j REJECT`;
  assert.deepEqual(
    rulesOf(either, 'ip6', 'INPUT').map((r) => formatRule(r, 'ip6')),
    ['-p tcp -j REJECT --reject-with icmp6-port-unreachable'],
  );
  assert.deepEqual(
    rulesOf(either, 'ip', 'INPUT').map((r) => formatRule(r)),
    ['-p tcp -j REJECT --reject-with icmp-port-unreachable'],
  );
  assert.throws(() => rulesOf(reject, 'ip', 'INPUT'), { code: 'ERR_RULE_SYNTAX' });
  assert.throws(() => rule`-s ${'not an address'} -j REJECT`, { code: 'ERR_RULE_SYNTAX', word: 'not an address' });
});
