// Command lines into words and commands, without a kernel.
import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import fc from 'fast-check';
import { RuleSyntaxError } from '../../../lib/index.ts';
import { parseCommandLine } from '../../../lib/iptables/command-line/parse.ts';
import { shellWords } from '../../../lib/iptables/command-line/shell-words.ts';
import type { Settings } from '../../../lib/iptables/rule/parser.ts';
import { parseSaveText } from '../../../lib/iptables/save-text.ts';

const texts = (line: string): string[] => shellWords(line).map((w) => w.text);

describe('shell words', () => {
  it('are parted by blanks and held together by quotes and backslashes, wherever those begin', () => {
    assert.deepEqual(texts(' -p  tcp\t--dport\n22 '), ['-p', 'tcp', '--dport', '22']);
    assert.deepEqual(texts(`--comment "a b"'c d'e\\ f`), ['--comment', 'a bc de f']);
    assert.deepEqual(texts(`--comment="a b" '' ""`), ['--comment=a b', '', '']);
    assert.deepEqual(texts(`"a\\"b\\\\c\\d" 'a\\b'`), ['a"b\\cd', 'a\\b']);
    assert.deepEqual(texts('\\! -s x'), ['!', '-s', 'x']);
  });

  it('go on over lines that a backslash joins, and end at a comment', () => {
    assert.deepEqual(texts('-A INPUT \\\n  -j \\\r\nACC\\\nEPT'), ['-A', 'INPUT', '-j', 'ACCEPT']);
    assert.deepEqual(texts('-S # the rules\n-t nat'), ['-S', '-t', 'nat']);
    assert.deepEqual(texts('a#b "#c" \\#d'), ['a#b', '#c', '#d']);
  });

  it('know where they begin', () => {
    assert.deepEqual(
      shellWords(` -s  'x y' z`).map(({ column, quoted }) => [column, quoted]),
      [
        [2, false],
        [6, true],
        [12, false],
      ],
    );
  });

  it('need their quotes closed', () => {
    for (const line of [`-m 'a`, '-m "a\\"', `-m "a' b`]) assert.throws(() => shellWords(line), { word: line.slice(3), column: 4 });
  });

  it('come back from any words, each in single quotes', () => {
    const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
    fc.assert(fc.property(fc.array(fc.string()), (words) => assert.deepEqual(texts(words.map(quoted).join(' ')), words)));
  });
});

function parsed(line: string) {
  const out = parseCommandLine(line, 'ip');
  assert.ok(!('show' in out));
  return out;
}

describe('a command line', () => {
  it('has its options in any order, short ones joined, long ones shortened', () => {
    const lines = [
      '-t nat -L POSTROUTING 2 -n -v -x --line-numbers',
      '-nvxtnat --line -L POSTROUTING 2',
      '--exact --num --verb --tab=nat --list=POSTROUTING 2 --line-n',
    ];
    for (const line of lines) {
      const { table, command, settings } = parsed(line);
      assert.equal(table, 'nat');
      assert.deepEqual([command.letter, command.chain, command.more, command.zero], ['L', 'POSTROUTING', '2', false]);
      const shown: Settings = { table: 'nat', numeric: true, verbose: true, exact: true, lineNumbers: true, show: undefined };
      assert.deepEqual(settings, shown);
    }
  });

  it('is one of filter, unless -t says another; the last -t counts', () => {
    assert.equal(parsed('-S').table, 'filter');
    assert.equal(parsed('-t raw -S -t mangle').table, 'mangle');
  });

  it('may list and zero at once, whichever comes first; the last chain counts', () => {
    for (const line of ['-L -Z INPUT', '-Z -L INPUT', '-L INPUT -Z', '-Z FORWARD -L INPUT']) {
      const { command, commands } = parsed(line);
      assert.deepEqual([command.letter, command.chain, command.zero], ['L', 'INPUT', true]);
      assert.deepEqual(commands, [{ verb: 'zero', chain: 'INPUT' }]);
    }
    assert.deepEqual(parsed('-S INPUT 3 -Z').commands, [{ verb: 'zero', chain: 'INPUT', number: 3 }]);
  });

  it('with several addresses is several rules', () => {
    const { commands } = parsed('-I INPUT 2 -s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.4');
    assert.deepEqual(
      commands.map((c) => [c.verb, 'rule' in c ? `${c.rule.source} ${c.rule.destination}` : '']),
      ['1.1.1.1/32 3.3.3.3/32', '1.1.1.1/32 4.4.4.4/32', '2.2.2.2/32 3.3.3.3/32', '2.2.2.2/32 4.4.4.4/32'].map((pair) => ['insert', pair]),
    );
  });

  it('reads a chain that looks like an option only where it is joined', () => {
    assert.equal(parsed('-LZ').command.chain, 'Z');
    assert.equal(parsed('-L -Z').command.chain, undefined);
  });

  it('of the other family is refused; in save text such a line is passed over, as by the real program', () => {
    assert.throws(() => parseCommandLine('-A INPUT -6 -j ACCEPT', 'ip'), { word: '-6' });
    assert.throws(() => parseCommandLine('-4 -S', 'ip6'), { word: '-4' });
    const text = '*filter\n-A INPUT -6 -s fe80::1 -j NOPE\n-4 -A INPUT\n-A INPUT --ipv6 -j ACCEPT\nCOMMIT\n';
    assert.equal(parseSaveText(text, 'ip')[0]?.commands.length, 1);
    assert.throws(() => parseSaveText(text.replace('-6 -s fe80::1', '-s fe80::1 -6'), 'ip'), { line: 2, word: 'fe80::1' });
  });
});

/** Which options the real programs take with which commands: recorded with iptables 1.8.9, both backends. -m is refused beside them. */
const options = [
  '-n',
  '-s 1.1.1.1',
  '-d 1.1.1.1',
  '-p tcp',
  '-j ACCEPT',
  '-g foo',
  '-v',
  '-x',
  '-i eth0',
  '-o eth0',
  '--line-numbers',
  '-c 1 2',
  '-f',
];
const taken: Readonly<Record<string, string>> = {
  '-A X': 'x . . . . . . x . . x . .',
  '-C X': 'x . . . . . . x . . x x .',
  '-D X': 'x . . . . . . x . . x x .',
  '-D X 1': 'x x x x x x . x x x x x x',
  '-I X 1': 'x . . . . . . x . . x . .',
  '-R X 1': 'x . . . . . . x . . x . .',
  '-L': '. x x x x x . . x x . x x',
  '-S': 'x x x x x x . x x x x x x',
  '-F': 'x x x x x x . x x x x x x',
  '-Z': 'x x x x x x . x x x x x x',
  '-Z X 1': 'x x x x x x . x x x x x x',
  '-N x': 'x x x x x x . x x x x x x',
  '-X x': 'x x x x x x . x x x x x x',
  '-P INPUT ACCEPT': 'x x x x x x . x x x x . x',
  '-E x y': 'x x x x x x . x x x x x x',
  '-L -Z': '. x x x x x . . x x . x x',
  '-S -Z': 'x x x x x x . x x x x x x',
};

test('options are refused with the commands that the real programs refuse them with', () => {
  for (const [command, marks] of Object.entries(taken)) {
    const got = options.map((option) => {
      try {
        parseCommandLine(`${command} ${option}`, 'ip');
        return '.';
      } catch (err) {
        assert.ok(err instanceof RuleSyntaxError);
        assert.match(err.message, /Illegal option/);
        return 'x';
      }
    });
    assert.equal(got.join(' '), marks, command);
  }
});
