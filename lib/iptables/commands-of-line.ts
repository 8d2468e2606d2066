// What one line of iptables' language asks for, in save text or as a command line, as commands on its table.
import { RuleSyntaxError } from '../errors.ts';
import { newChainError } from './builtin.ts';
import type { Command } from './commands.ts';
import type { ParsedCommand } from './rule/parser.ts';
import type { RuleSpec } from './rule-spec.ts';
import type { Word } from './words.ts';

/** Where a word stands, for an error about it. */
export function place(words: readonly Word[], wordIndex: number): { word: string; wordIndex: number; column: number } {
  const word = words[wordIndex];
  return { word: word?.text ?? '', wordIndex, column: word?.column ?? 1 };
}

/**
 * The commands of a line; of one that only shows (-L, -S) there are none. Several addresses are several rules, each put
 * where the line says: the last inserted comes first. `line`: its number in save text.
 */
export function commandsOf(
  { letter, chain, more, at, zero }: ParsedCommand,
  rules: readonly RuleSpec[],
  words: readonly Word[],
  o: { readonly line?: number } = {},
): Command[] {
  const number = more === undefined ? 1 : Number(more);
  // Only -F, -X and -Z may have none.
  const name = chain ?? '';
  const zeroing: Command = { verb: 'zero', chain, ...(more === undefined ? {} : { number }), ...o };
  switch (letter) {
    case 'A':
      return rules.map((rule) => ({ verb: 'append', chain: name, rule, ...o }));
    case 'I':
      return rules.map((rule) => ({ verb: 'insert', chain: name, number, rule, ...o }));
    case 'R':
      if (rules.length > 1) throw new RuleSyntaxError('Replacement rule does not specify a unique address', place(words, at));
      return rules.map((rule) => ({ verb: 'replace', chain: name, number, rule, ...o }));
    case 'D':
      return more === undefined
        ? rules.map((rule) => ({ verb: 'delete', chain: name, rule, ...o }))
        : [{ verb: 'deleteAt', chain: name, number, ...o }];
    case 'F':
      return [{ verb: 'flushChain', chain, ...o }];
    case 'Z':
      return [zeroing];
    case 'X':
      return [chain === undefined ? { verb: 'deleteUserChains', ...o } : { verb: 'deleteChain', chain, ...o }];
    case 'N':
    case 'E': {
      const made = letter === 'N' ? name : (more ?? '');
      const reason = newChainError(made);
      if (reason !== undefined) throw new RuleSyntaxError(reason, { ...place(words, letter === 'N' ? at + 1 : at + 2), word: made });
      return letter === 'N' ? [{ verb: 'newChain', chain: name, ...o }] : [{ verb: 'renameChain', chain: name, to: made, ...o }];
    }
    case 'P':
      if (more !== 'ACCEPT' && more !== 'DROP')
        throw new RuleSyntaxError(`Bad policy name "${more}", ACCEPT or DROP is one`, { ...place(words, at + 2), word: more ?? '' });
      return [{ verb: 'setPolicy', chain: name, policy: more, counter: rules[0]?.counter, ...o }];
    case 'C':
      return rules.map((rule) => ({ verb: 'check', chain: name, rule, ...o }));
    case 'L':
    case 'S':
      return zero ? [zeroing] : [];
    default:
      return letter satisfies never;
  }
}
