// 200,000 rule lines with mistakes in them: what is no rule is a RuleSyntaxError and nothing else, and what is one is printed and read again as
// the same.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { RuleSyntaxError } from '../../../lib/index.ts';
import { formatRule, parseRules } from '../../../lib/iptables/rule-text.ts';
import { goodRules, mutant } from '../../support/rule-mutants.ts';

const MUTANTS = 200_000;

/** What the printed line does not say, as with the real programs, and one line that shows it. `is`: the property that is lost. */
const silent: readonly {
  readonly why: string;
  readonly family: 'ip' | 'ip6';
  readonly line: string;
  readonly is: (key: string, value: unknown) => boolean;
}[] = [
  { why: 'zone 0 is no zone', family: 'ip', line: '-j CT --zone-orig 0', is: (key, v) => /^zone(Orig|Reply)$/.test(key) && v === 0 },
  {
    why: 'any number of segments is no condition',
    family: 'ip6',
    line: '-m rt --rt-segsleft 0:',
    is: (key, v) => key === 'rtSegsleft' && isDeepStrictEqual(v, [0, 0xffffffff]),
  },
  {
    why: 'iptables-save rounds rates',
    family: 'ip',
    line: '-m rateest --rateest RE1 --rateest-gt --rateest-bps 127KiBps',
    is: (key, v) => /^rateestBps/.test(key) && typeof v === 'string',
  },
  {
    why: 'a mask that was not given is printed as a whole one, whose other bytes the real -D compares',
    family: 'ip',
    line: '-m connlimit --connlimit-above 3',
    is: (key, v) => (key === 'connlimitMask' || key === 'mask') && v === undefined,
  },
  {
    why: 'the same with the masks of a tuple',
    family: 'ip',
    line: '-j HMARK --hmark-tuple src,dst,ct --hmark-mod 10 --hmark-rnd 1',
    is: (key, v) => (key === 'hmarkTuple' && Array.isArray(v)) || (/^hmark(Src|Dst)Prefix$/.test(key) && v === undefined),
  },
];

/** Whether two values are the same but for what is not printed. */
function sameButSilent(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null || a instanceof Uint8Array) return isDeepStrictEqual(a, b);
  const [one, two] = [a as Record<string, unknown>, b as Record<string, unknown>];
  return [...new Set([...Object.keys(one), ...Object.keys(two)])].every(
    (key) => sameButSilent(one[key], two[key]) || silent.some((s) => s.is(key, one[key])),
  );
}

interface Verdict {
  readonly rules: number;
  readonly problem?: string;
  /** The problem is but what is never printed. */
  readonly silent?: boolean;
}

/** Throws where the line is no rule. */
function readTwice(line: string, family: 'ip' | 'ip6'): Verdict {
  const specs = parseRules(line, family);
  for (const spec of specs) {
    let printed: string;
    try {
      printed = formatRule(spec, family);
    } catch (err) {
      return { rules: specs.length, problem: `not printed: ${err}` };
    }
    try {
      const [again, ...more] = parseRules(printed, family);
      if (again === undefined || more.length > 0) return { rules: specs.length, problem: `several rules: ${printed}` };
      const second = formatRule(again, family);
      if (second !== printed) return { rules: specs.length, problem: `printed as ${printed}, then as ${second}` };
      if (!isDeepStrictEqual(again, spec))
        return { rules: specs.length, problem: `read as another rule: ${printed}`, silent: sameButSilent(spec, again) };
    } catch (err) {
      return { rules: specs.length, problem: `${printed} is not read: ${err}` };
    }
  }
  return { rules: specs.length };
}

test(`${MUTANTS} mutants: RuleSyntaxError or a rule that stays the same`, () => {
  const good = goodRules();
  const each = Math.ceil(MUTANTS / good.length);
  let accepted = 0;
  const wrong: string[] = [];
  for (const rule of good) {
    for (let number = 0; number < each; number++) {
      const { family, text } = mutant(rule, number);
      try {
        const verdict = readTwice(text, family);
        accepted += verdict.rules;
        if (verdict.problem !== undefined && verdict.silent !== true) wrong.push(`${family} ${JSON.stringify(text)}: ${verdict.problem}`);
      } catch (err) {
        if (!(err instanceof RuleSyntaxError))
          wrong.push(`${family} ${JSON.stringify(text)}: threw ${err instanceof Error ? err.stack : err}`);
        else if (err.message === '' || err.column < 1 || err.wordIndex < 0)
          wrong.push(`${family} ${JSON.stringify(text)}: no place: ${err}`);
      }
    }
  }
  assert.deepEqual(wrong.slice(0, 20), [], `${wrong.length} of ${good.length * each}`);
  // Mistakes that are none and mistakes that are some: both were tried.
  assert.ok(accepted > MUTANTS / 20 && accepted < MUTANTS / 2, `${accepted} were accepted`);
});

test('every right line is one', () => {
  for (const { family, text } of goodRules()) {
    const verdict = readTwice(text, family);
    assert.ok(verdict.problem === undefined || verdict.silent === true, `${text}: ${verdict.problem}`);
  }
});

test('half a character, or a NUL, at the end of any word is a RuleSyntaxError where it is refused at all', () => {
  for (const { family, text } of goodRules()) {
    const words = text.split(' ');
    for (const i of words.keys()) {
      for (const end of ['\ud83d', '\udc00', '\0']) {
        const line = words.with(i, `${words[i]}${end}`).join(' ');
        try {
          assert.equal(readTwice(line, family).problem, undefined, JSON.stringify(line));
        } catch (err) {
          assert.ok(err instanceof RuleSyntaxError, `${JSON.stringify(line)}: ${err}`);
        }
      }
    }
  }
});

test('each exception is needed', () => {
  for (const { line, family, why } of silent) assert.equal(readTwice(line, family).silent, true, why);
});
