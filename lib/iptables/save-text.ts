// The text of iptables-save, read line by line (iptables-restore.c ip46tables_restore_main): tables, chains with policy
// and counters, rules with counters. Nothing is sent before all of it is understood.

import { RuleSyntaxError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import { builtinChain, builtinChains, newChainError, tableNames } from './builtin.ts';
import { type Command, chainOfTarget } from './commands.ts';
import { commandsOf, place } from './commands-of-line.ts';
import type { IpFamily } from './extensions/codec.ts';
import { counterNumber, refusedOptions } from './rule/base-options.ts';
import { RuleParser } from './rule/parser.ts';
import type { RuleSpec } from './rule-spec.ts';
import { splitWords, type Word } from './words.ts';

export interface SavedTable {
  readonly name: string;
  readonly line: number;
  /** In the order of the text. */
  readonly commands: readonly Command[];
  /** What is wrong for some restores only: the first of each kind. */
  readonly wrong: Readonly<Wrong>;
}

/**
 * Kinds of restores that refuse what others take. fresh: the table begins anew, so that a chain which the text does not declare cannot be there.
 * counters: [packets:bytes] count. Of policies without them, and of user chains' policies, the real programs think differently.
 */
type Restore = 'fresh' | 'counters' | 'counters on nft' | 'legacy';
type Wrong = { [K in Restore]?: RuleSyntaxError | undefined };

/** Throws the first that is wrong with a table for this restore. */
export function checkRestorable(
  { wrong }: SavedTable,
  o: { readonly noflush: boolean; readonly counters: boolean },
  backend: 'nft' | 'legacy',
): void {
  const refusing: readonly (RuleSyntaxError | undefined)[] = [
    o.noflush ? undefined : wrong.fresh,
    o.counters ? wrong.counters : undefined,
    o.counters && backend === 'nft' ? wrong['counters on nft'] : undefined,
    backend === 'legacy' ? wrong.legacy : undefined,
  ];
  const [first] = refusing.filter((err) => err !== undefined).sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
  if (first !== undefined) throw first;
}

/** What a line of save text came to that appends rules: the same in every text of its family. */
interface ReadLine {
  readonly chain: string;
  readonly rules: readonly RuleSpec[];
}
export type ReadLines = ReadonlyMap<string, ReadLine>;

/** Lines that were read of a text, and those that the one before it had too. */
export interface LineMemory {
  readonly before: ReadLines | undefined;
  readonly lines: Map<string, ReadLine>;
}

/** All tables of a save text, each ended by COMMIT. Throws RuleSyntaxError with line, column and word. */
export function parseSaveText(text: string, family: IpFamily, memory?: LineMemory): SavedTable[] {
  const reader = new SaveReader(family, memory);
  let start = 0;
  for (let line = 1; start <= text.length; line++) {
    let end = text.indexOf('\n', start);
    if (end < 0) end = text.length;
    reader.line(text.slice(start, text.charCodeAt(end - 1) === 13 && end > start ? end - 1 : end), line);
    start = end + 1;
  }
  return reader.finish();
}

interface OpenTable {
  readonly name: string;
  readonly line: number;
  readonly commands: Command[];
  /** Chains that the text has declared so far: all there are where the table began empty. */
  readonly chains: Set<string>;
  readonly wrong: Wrong;
}

class SaveReader {
  readonly #family: IpFamily;
  readonly #tables: SavedTable[] = [];
  #open: OpenTable | undefined;
  #lastLine = 0;
  readonly #memory: LineMemory | undefined;

  constructor(family: IpFamily, memory: LineMemory | undefined) {
    this.#family = family;
    this.#memory = memory;
  }

  line(text: string, line: number): void {
    this.#lastLine = line;
    const first = text.charCodeAt(0);
    // Comments begin with the line: after a blank the real programs take # for an argument.
    if (Number.isNaN(first) || first === 35 || text.trim() === '') return;
    if (first === 42) return this.#table(text, line);
    if (this.#open === undefined) throw syntax('a table (*name) must come first', text.trim(), 1, line);
    if (text.trimEnd() === 'COMMIT') {
      const { chains: _, ...table } = this.#open;
      this.#tables.push(table);
      this.#open = undefined;
    } else if (first === 58) this.#open.commands.push(chainLine(text, line, this.#open));
    else this.#rule(text, line, this.#open);
  }

  #table(text: string, line: number): void {
    const name = text.slice(1).trim();
    if (this.#open !== undefined) throw syntax(`table ${this.#open.name} is not ended by COMMIT`, text, 1, line);
    if (builtinChains(name) === undefined) throw syntax(`unknown table "${name}", one of ${tableNames.join(', ')}`, name, 2, line);
    this.#open = { name, line, commands: [], chains: new Set(), wrong: {} };
  }

  #rule(text: string, line: number, table: OpenTable): void {
    const known = this.#memory?.before?.get(text);
    if (known !== undefined && isDeclared(known, table)) {
      this.#memory?.lines.set(text, known);
      for (const rule of known.rules) table.commands.push({ verb: 'append', chain: known.chain, rule, line });
      return;
    }
    try {
      const { words, counter } = ruleWords(text);
      const parser = new RuleParser(words, this.#family, { commands: 'text', start: counter === undefined ? 0 : 1 });
      const rules = parser.rules();
      // As iptables-restore does, whatever else the line holds.
      if (parser.ofOtherFamily) return;
      for (const c of commandsOf(parser.command, rules, words, { line }))
        table.commands.push(counter === undefined ? c : { ...c, leading: counter });
      const { letter, chain } = parser.command;
      if (letter === 'A' && chain !== undefined && counter === undefined) this.#memory?.lines.set(text, { chain, rules });
      const { wrong } = table;
      if (counter !== undefined) wrong.counters ??= miscounted(parser, rules[0], words, line);
      wrong.fresh ??= undeclared(table, parser, rules[0], words, line);
    } catch (err) {
      throw err instanceof RuleSyntaxError
        ? new RuleSyntaxError(reasonOf(err), { word: err.word, wordIndex: err.wordIndex, column: err.column, line })
        : err;
    }
  }

  finish(): SavedTable[] {
    if (this.#open !== undefined) throw syntax(`COMMIT expected: table ${this.#open.name} is not ended`, '', 1, this.#lastLine);
    return this.#tables;
  }
}

function reasonOf(err: RuleSyntaxError): string {
  return err.message.replace(/^column \d+: /, '');
}

/** The real program takes the [packets:bytes] before a line for a -c. */
function miscounted(parser: RuleParser, rule: RuleSpec | undefined, words: readonly Word[], line: number): RuleSyntaxError | undefined {
  const { letter, more } = parser.command;
  if (refusedOptions(letter, more !== undefined).includes('c'))
    return new RuleSyntaxError("Illegal option `-c' with this command: the line begins with [packets:bytes]", { ...place(words, 0), line });
  if (rule?.counter === undefined) return undefined;
  const at = words.findIndex(({ text }) => text.startsWith('-c') || text.startsWith('--set'));
  return new RuleSyntaxError('multiple -c flags not allowed: the line begins with [packets:bytes]', { ...place(words, at), line });
}

/** Follows the chains that there are, and says which one a line uses that is not there. */
function undeclared(
  table: OpenTable,
  parser: RuleParser,
  rule: RuleSpec | undefined,
  words: readonly Word[],
  line: number,
): RuleSyntaxError | undefined {
  const { letter, chain, more, at } = parser.command;
  const { chains, name } = table;
  const missing = (word: string, wordIndex: number): RuleSyntaxError =>
    new RuleSyntaxError(`table ${name} has no chain "${word}"`, { ...place(words, wordIndex), word, line });
  if (letter === 'X' && chain === undefined) chains.clear();
  if (chain === undefined) return undefined;
  if (letter === 'N') chains.add(chain);
  if (!chains.has(chain) && builtinChain(name, chain) === undefined) {
    // The chain is part of the option's own word, or the word after it.
    return missing(chain, words[at + 1]?.text === chain ? at + 1 : at);
  }
  if (letter === 'X') chains.delete(chain);
  if (letter === 'E' && more !== undefined && chains.delete(chain)) chains.add(more);
  const jump = rule === undefined ? undefined : chainOfTarget(rule);
  if (jump === undefined || chains.has(jump) || (jump === chain && builtinChain(name, jump) !== undefined)) return undefined;
  return missing(jump, parser.targetAt);
}

/** Whether `undeclared` has nothing to say of the line. */
function isDeclared({ chain, rules }: ReadLine, { chains, name }: OpenTable): boolean {
  const [rule] = rules;
  const jump = rule === undefined ? undefined : chainOfTarget(rule);
  return (chains.has(chain) || builtinChain(name, chain) !== undefined) && (jump === undefined || chains.has(jump));
}

function syntax(reason: string, word: string, column: number, line: number): RuleSyntaxError {
  return new RuleSyntaxError(reason, { word, wordIndex: 0, column, line });
}

/** The words of a line; `[packets:bytes]` before them, with a blank or without, is the first. */
function ruleWords(text: string): { readonly words: readonly Word[]; readonly counter: Counter | undefined } {
  const start = text.startsWith('-') ? 0 : text.search(/\S/);
  if (text[start] !== '[') return { words: splitWords(text), counter: undefined };
  const end = text.indexOf(']', start) + 1;
  const word = { text: end === 0 ? text.slice(start) : text.slice(start, end), column: start + 1, quoted: false };
  const counter = parseCounter(word.text);
  if (counter === undefined) throw new RuleSyntaxError(`"${word.text}" is no [packets:bytes]`, place([word], 0));
  return { words: [word, ...splitWords(text, end)], counter };
}

function parseCounter(text: string): Counter | undefined {
  const colon = text.indexOf(':');
  if (!text.startsWith('[') || !text.endsWith(']') || colon < 0) return undefined;
  const packets = counterNumber(text.slice(1, colon));
  const bytes = counterNumber(text.slice(colon + 1, -1));
  return packets === undefined || bytes === undefined ? undefined : { packets, bytes };
}

/** `:chain policy [packets:bytes]`. Counters of a user chain say nothing, nor does its policy on nf_tables. */
function chainLine(text: string, line: number, table: OpenTable): Command {
  const [name = '', policy, counters] = text.slice(1).trim().split(/\s+/);
  if (name === '') throw syntax('a chain name is missing', text, 1, line);
  const reason = newChainError(name, true);
  if (reason !== undefined) throw syntax(reason, name, 2, line);
  if (policy === undefined) throw syntax(`chain ${name} has no policy`, '', text.length + 1, line);
  table.chains.add(name);
  const column = text.indexOf(policy, name.length + 1) + 1;
  if (builtinChain(table.name, name) === undefined) {
    if (policy !== '-') table.wrong.legacy ??= syntax(`Bad built-in chain name: ${name} has no policy, \`-' is its`, policy, column, line);
    return { verb: 'declareChain', chain: name, line };
  }
  const counter = counters === undefined ? undefined : parseCounter(counters);
  if (counters !== undefined && counter === undefined)
    throw syntax(`"${counters}" is no [packets:bytes]`, counters, text.indexOf(counters, name.length + 1) + 1, line);
  const counted = counter === undefined ? {} : { counter };
  if (counter === undefined) {
    const uncounted = syntax(`invalid policy counters for chain '${name}': they are missing`, '', text.length + 1, line);
    table.wrong[policy === '-' ? 'counters on nft' : 'counters'] ??= uncounted;
  }
  if (policy === '-') return { verb: 'declareChain', chain: name, line, ...counted };
  if (policy !== 'ACCEPT' && policy !== 'DROP') throw syntax(`bad policy "${policy}", ACCEPT or DROP`, policy, column, line);
  return { verb: 'declareChain', chain: name, policy, line, ...counted };
}
