// Rule lines as people and programs get them wrong: seeded changes of lines that are right.
import { readdirSync } from 'node:fs';
import type { IpFamily } from '../../lib/iptables/extensions/codec.ts';
import { saveWord } from '../../lib/iptables/words.ts';
import { fixture, fragmentNames, hostNames, readFixture, ruleSet } from './fixtures.ts';
import { Random } from './random.ts';

export interface RuleLine {
  readonly family: IpFamily;
  readonly text: string;
}
/** A right line, and the lines beside it, from which its mutants take words. */
export interface GoodRule extends RuleLine {
  readonly beside: readonly RuleLine[];
}

/** The rules of the corpus and of every recorded case that the real program took. */
export function goodRules(): GoodRule[] {
  const rules = new Map<string, GoodRule>();
  const add = (lines: readonly RuleLine[]): void => {
    for (const line of lines) rules.set(`${line.family} ${line.text}`, { ...line, beside: lines });
  };
  for (const name of [...hostNames, ...fragmentNames]) {
    const lines = [...ruleSet(name).matchAll(/^(?:\[\d+:\d+\] )?-A \S+ (.+)$/gm)];
    add(lines.map(([, text = '']) => ({ family: 'ip', text })));
  }
  for (const file of readdirSync(fixture('iptables', 'recorded')).sort()) {
    const lines = readFixture('iptables', 'recorded', file).split('\n');
    const cases = lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { family: IpFamily; args: string[]; saved?: string });
    add(cases.filter((c) => c.saved !== undefined).map(({ family, args }) => ({ family, text: args.map(saveWord).join(' ') })));
  }
  return [...rules.values()];
}

const numbers = ['0', '1', '-1', '31', '32', '33', '127', '128', '129', '254', '255', '256', '65535', '65536', '4294967295', '4294967296'];
const strange = ['18446744073709551616', '0x', '0x10', '010', '1e3', ' 1', '+1', '1.5', '', '999999999999999999999999'];
const marks = [
  '"',
  "'",
  '\\',
  '!',
  '-',
  '--',
  ',',
  ':',
  '/',
  '=',
  '%',
  '+',
  '*',
  '\t',
  '  ',
  '[',
  '#',
  ';',
  '$(x)',
  '@',
  'ß',
  '\u{1f600}',
  '\u{301}',
  '\u{7f}',
];

/** FNV-1a. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
}

/** A rule with one to three changes. They follow from the rule and the number alone: rules that are added elsewhere change none of them. */
export function mutant(rule: GoodRule, number: number): RuleLine {
  const random = new Random(hash(`${rule.family} ${rule.text}`) + number);
  let line = rule.text;
  for (let changes = random.pick([1, 1, 1, 2, 3]); changes > 0; changes--) line = change(random, line, random.pick(rule.beside).text);
  return { family: rule.family, text: line };
}

function change(random: Random, line: string, other: string): string {
  const words = line.split(' ');
  const at = random.below(words.length);
  const word = words[at] as string;
  switch (random.below(13)) {
    case 0:
      return words.toSpliced(at, 1).join(' ');
    case 1:
      return words.toSpliced(at, 0, word).join(' ');
    case 2:
      return words.toSpliced(at, 1).toSpliced(random.below(words.length), 0, word).join(' ');
    case 3:
      return words.toSpliced(at, 0, random.pick(other.split(' '))).join(' ');
    case 4:
      return words.with(at, random.pick(other.split(' '))).join(' ');
    case 5:
      return words.toSpliced(at, 0, '!').join(' ');
    case 6:
      // An option as short as people write it, or shorter.
      return words.with(at, word.slice(0, 1 + random.below(word.length + 1))).join(' ');
    case 7:
      return line.replace(/\d+/g, (n) => (random.chance(0.4) ? random.pick(random.chance(0.8) ? numbers : strange) : n));
    case 8: {
      const place = random.below(line.length + 1);
      return line.slice(0, place) + random.pick(marks) + line.slice(place);
    }
    case 9: {
      const place = random.below(line.length);
      return line.slice(0, place) + line.slice(place + 1);
    }
    case 10: {
      const place = random.below(line.length);
      return line.slice(0, place) + String.fromCharCode(0x20 + random.below(0x5f)) + line.slice(place + 1);
    }
    case 11: {
      // Any character but the ends of lines and of C's strings; half ones too.
      const place = random.below(line.length + 1);
      const code = 1 + random.below(random.pick([0x7ff, 0xffff, 0x10ffff]));
      if (code === 10) return line;
      return line.slice(0, place) + String.fromCodePoint(code) + line.slice(place);
    }
    default:
      return words.with(at, random.chance(0.5) ? word.toUpperCase() : `"${word}"`).join(' ');
  }
}
