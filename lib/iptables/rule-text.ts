// The rule language of iptables: text ⇄ RuleSpec.
import { RuleSyntaxError } from '../errors.ts';
import type { IpFamily } from './extensions/codec.ts';
import { normalizeRule } from './rule/normalize.ts';
import { RuleParser } from './rule/parser.ts';
import { printRule } from './rule/printer.ts';
import type { RuleSpec } from './rule-spec.ts';
import { splitWords, templateWords, type Word, wordsOf } from './words.ts';

export { normalizeRule } from './rule/normalize.ts';
export { printRule } from './rule/printer.ts';

/** The rules of words: several where -s or -d lists several addresses, as the real tools add them. Throws RuleSyntaxError. */
export function parseRuleWords(words: readonly Word[], family: IpFamily = 'ip'): RuleSpec[] {
  return new RuleParser(words, family).rules();
}

/** As `parseRule`, giving every rule of a list such as `-s 10.0.0.1,10.0.0.2`. */
export function parseRules(r: string | readonly string[], family: IpFamily = 'ip'): RuleSpec[] {
  return parseRuleWords(typeof r === 'string' ? splitWords(r) : wordsOf(r), family);
}

/** As `parseRules`, of a rule for `chain`: what that chain has not is refused. */
export function parseRulesFor(chain: string, r: string | readonly string[], family: IpFamily): RuleSpec[] {
  return new RuleParser(typeof r === 'string' ? splitWords(r) : wordsOf(r), family, { chain }).rules();
}

/**
 * A rule as typed options, from what stands after `-A chain` in iptables' language: text with iptables-restore's quoting, or arguments,
 * each one word. Throws RuleSyntaxError naming the word. Nothing is looked up: host names are refused (iptables(8), iptables-extensions(8)).
 */
export function parseRule(r: string | readonly string[], family: IpFamily = 'ip'): RuleSpec {
  return single(typeof r === 'string' ? splitWords(r) : wordsOf(r), family);
}

/** The line iptables-save prints after `-A chain `, of any rule: hand-written values are checked. Throws NetfilterError with the value's path. */
export function formatRule(spec: RuleSpec, family: IpFamily = 'ip'): string {
  return printRule(normalizeRule(spec, family), family);
}

/** The words of rules made by `rule`: what a word means may depend on the family, which only the call knows that gets the rule. */
const templates = new WeakMap<RuleSpec, readonly Word[]>();

/**
 * A rule of a template, for either family: read as one of IPv4, or of IPv6 where it is none; a call on an IPv6 connection reads it again. The text is
 * split into words with quoting; each value put in is part of exactly one word, whatever it holds: blanks, quotes and dashes in it
 * stay what they are.
 */
export function rule(text: TemplateStringsArray, ...words: readonly (string | number)[]): RuleSpec {
  const all = templateWords(text, words);
  const spec = ofEitherFamily(all);
  templates.set(spec, all);
  return spec;
}

function ofEitherFamily(words: readonly Word[]): RuleSpec {
  try {
    return single(words, 'ip');
  } catch (err) {
    try {
      return single(words, 'ip6');
    } catch {
      throw err;
    }
  }
}

/** The words that `rule` made the rule of, if it did. */
export function templateOf(spec: RuleSpec): readonly Word[] | undefined {
  return templates.get(spec);
}

function single(words: readonly Word[], family: IpFamily): RuleSpec {
  const rules = parseRuleWords(words, family);
  const [first] = rules;
  if (first !== undefined && rules.length === 1) return first;
  const wordIndex = words.findIndex((word) => word.text.includes(','));
  const word = words[wordIndex];
  throw new RuleSyntaxError('several addresses stand for several rules, here one is needed: parseRules gives them all', {
    word: word?.text ?? '',
    wordIndex: Math.max(0, wordIndex),
    column: word?.column ?? 1,
  });
}
