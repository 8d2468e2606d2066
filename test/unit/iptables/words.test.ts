// The quoting of iptables-restore and of the save commands.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { saveString, saveWord, splitWords, templateWords, wordsOf } from '../../../lib/iptables/words.ts';

const texts = (line: string): string[] => splitWords(line).map((w) => w.text);

test('blanks part words, quotes hold them together', () => {
  assert.deepEqual(texts('-p  tcp\t--dport 22\n'), ['-p', 'tcp', '--dport', '22']);
  assert.deepEqual(texts('--comment "a b" -j X'), ['--comment', 'a b', '-j', 'X']);
  assert.deepEqual(texts('"" "a"'), ['', 'a']);
});

test('a backslash is one outside quotes and takes the next character inside', () => {
  assert.deepEqual(texts('a\\ b'), ['a\\', 'b']);
  assert.deepEqual(texts('"a\\"b\\\\c\\d"'), ['a"b\\cd']);
});

test('a closing quote ends its word, an opening one does not', () => {
  assert.deepEqual(texts('"a"b c"d e"f'), ['a', 'b', 'cd e', 'f']);
});

test('words know where they begin', () => {
  assert.deepEqual(
    splitWords(' -s  "x y" z').map(({ column, quoted }) => [column, quoted]),
    [
      [2, false],
      [6, true],
      [12, false],
    ],
  );
  assert.deepEqual(
    wordsOf(['-s', '1.2.3.4', '-j']).map((w) => w.column),
    [1, 4, 12],
  );
});

test('a quote that stays open is refused: it would swallow the target', () => {
  assert.throws(() => splitWords('--comment "a -j DROP'), { code: 'ERR_RULE_SYNTAX', wordIndex: 1, column: 11, word: '"a -j DROP' });
  assert.throws(() => templateWords(['--comment "a ', ''], ['b']), { code: 'ERR_RULE_SYNTAX', column: 11 });
});

test('strings are printed as xtables_save_string does', () => {
  assert.equal(saveString('foo_Bar-1'), 'foo_Bar-1');
  assert.equal(saveString('a.b'), '"a.b"');
  assert.equal(saveString(`it's "x"\\`), String.raw`"it\'s \"x\"\\"`);
  assert.equal(saveString(''), '""');
  assert.equal(saveString('ü'), '"ü"');
  assert.equal(saveWord('1.2.3.4:80'), '1.2.3.4:80');
  assert.equal(saveWord('a b'), '"a b"');
});

test('any printed text is read back as one word', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.constantFrom(saveString, saveWord), (text, print) => {
      assert.deepEqual(texts(`-x ${print(text)} -y`), ['-x', text, '-y']);
    }),
  );
});

test('what is put into a template is part of one word, whatever it holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      assert.deepEqual(
        templateWords(['-s ', ' -j X'], [text]).map((w) => w.text),
        ['-s', text, '-j', 'X'],
      );
      assert.deepEqual(
        templateWords(['a ', ':', ' "q ', '" z'], [text, 80, text]).map((w) => w.text),
        ['a', `${text}:80`, `q ${text}`, 'z'],
      );
    }),
  );
});
