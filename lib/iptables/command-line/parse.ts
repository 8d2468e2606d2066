// One whole command line of iptables: its table, its command, the rules and settings with it. All that can be refused before anything is
// looked at or sent is refused here.
import { RuleSyntaxError } from '../../errors.ts';
import { builtinChains, tableNames } from '../builtin.ts';
import { type Command, NO_DROP_IN_NAT } from '../commands.ts';
import { commandsOf, place } from '../commands-of-line.ts';
import type { IpFamily } from '../extensions/codec.ts';
import { type ParsedCommand, RuleParser, type Settings } from '../rule/parser.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { type Word, wordsOf } from '../words.ts';
import { shellWords } from './shell-words.ts';

/** A line that asks for a text about the program. */
export interface ShownLine {
  readonly show: 'help' | 'version';
}
export interface CommandLine {
  readonly table: string;
  readonly command: ParsedCommand;
  readonly settings: Settings;
  /** The rules it names: several where -s or -d lists several addresses. */
  readonly rules: readonly RuleSpec[];
  /** What it does to the table. */
  readonly commands: readonly Command[];
}

/** Throws RuleSyntaxError. */
export function parseCommandLine(line: string | readonly string[], family: IpFamily): CommandLine | ShownLine {
  const words = typeof line === 'string' ? shellWords(line) : wordsOf(line);
  const parser = new RuleParser(words, family, { commands: 'line' });
  const rules = parser.rules();
  const { settings } = parser;
  if (settings.show !== undefined) return { show: settings.show };
  const { table = 'filter' } = settings;
  if (builtinChains(table) === undefined) {
    const reason = `table '${table}' does not exist, one of ${tableNames.join(', ')}`;
    throw new RuleSyntaxError(reason, { ...place(words, wordThatEnds(words, table)), word: table });
  }
  const { command } = parser;
  if (table === 'nat') refuseDrop(parser, command, rules, words);
  // -C asks, and does not commit.
  return { table, command, settings, rules, commands: command.letter === 'C' ? [] : commandsOf(command, rules, words) };
}

/** The word itself, or the one that an option begins. */
function wordThatEnds(words: readonly Word[], text: string): number {
  const exact = words.findIndex((word) => word.text === text);
  return exact >= 0 ? exact : words.findIndex((word) => word.text.endsWith(text));
}

/** As `misplaced` of every command, here with the word, and for -C too. */
function refuseDrop(parser: RuleParser, command: ParsedCommand, rules: readonly RuleSpec[], words: readonly Word[]): void {
  const target = rules[0]?.target;
  const drops = target !== undefined && 'name' in target && target.name === 'DROP';
  const policy = command.letter === 'P' && command.more === 'DROP';
  if (!drops && !policy) return;
  throw new RuleSyntaxError(NO_DROP_IN_NAT, { ...place(words, policy ? command.at + 2 : parser.targetAt), word: 'DROP' });
}
