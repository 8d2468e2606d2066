// The text of iptables-save, read line by line (iptables-restore.c ip46tables_restore_main): tables, chains with policy
// and counters, rules with counters. Nothing is sent before all of it is understood.

import { RuleSyntaxError } from '../errors.ts';
import type { Counter } from '../model/ruleset.ts';
import { builtinChains, tableNames } from './builtin.ts';
import { checkInterfaces } from './chain-rules.ts';
import type { IpFamily } from './extensions/codec.ts';
import type { RuleSpec } from './rule-spec.ts';
import { parseRuleWords } from './rule-text.ts';
import { splitWords, type Word } from './words.ts';

/** `:chain policy [packets:bytes]`; policy `-` for a user chain. */
export interface SavedChain {
  readonly name: string;
  readonly policy?: 'ACCEPT' | 'DROP';
  readonly counter?: Counter;
  readonly line: number;
}
export interface SavedRule {
  readonly chain: string;
  readonly spec: RuleSpec;
  readonly line: number;
}
export interface SavedTable {
  readonly name: string;
  readonly line: number;
  readonly chains: readonly SavedChain[];
  readonly rules: readonly SavedRule[];
}

/** XT_EXTENSION_MAXNAMELEN is 29 with its NUL. */
const CHAIN_MAX = 28;

/** All tables of a save text, each ended by COMMIT. Throws RuleSyntaxError with line, column and word. */
export function parseSaveText(text: string, family: IpFamily): SavedTable[] {
  const reader = new SaveReader(family);
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
  readonly chains: SavedChain[];
  readonly rules: SavedRule[];
}

class SaveReader {
  readonly #family: IpFamily;
  readonly #tables: SavedTable[] = [];
  #open: OpenTable | undefined;
  #lastLine = 0;

  constructor(family: IpFamily) {
    this.#family = family;
  }

  line(text: string, line: number): void {
    this.#lastLine = line;
    const first = text.charCodeAt(0);
    // Empty lines and # comments; blanks before them count too.
    if (Number.isNaN(first) || first === 35 || text.trim() === '') return;
    if (first === 42) return this.#table(text, line);
    if (this.#open === undefined) throw syntax('a table (*name) must come first', text.trim(), 1, line);
    if (text.trimEnd() === 'COMMIT') {
      this.#tables.push(this.#open);
      this.#open = undefined;
    } else if (first === 58) this.#open.chains.push(chainLine(text, line, this.#open));
    else this.#rule(text, line, this.#open);
  }

  #table(text: string, line: number): void {
    const name = text.slice(1).trim();
    if (this.#open !== undefined) throw syntax(`table ${this.#open.name} is not ended by COMMIT`, text, 1, line);
    if (builtinChains(name) === undefined) throw syntax(`unknown table "${name}", one of ${tableNames.join(', ')}`, name, 2, line);
    this.#open = { name, line, chains: [], rules: [] };
  }

  #rule(text: string, line: number, table: OpenTable): void {
    try {
      const words = splitWords(text);
      const counter = leadingCounter(words);
      const rest = counter === undefined ? words : words.slice(1);
      const command = rest[0];
      if (command === undefined || (command.text !== '-A' && command.text !== '--append')) {
        throw new RuleSyntaxError(
          `"${command?.text ?? text}" is not supported in a restore yet, -A is`,
          place(command, counter === undefined ? 0 : 1),
        );
      }
      const chain = rest[1];
      if (chain === undefined)
        throw new RuleSyntaxError('-A needs a chain', { word: '', wordIndex: words.length, column: text.length + 1 });
      for (const spec of parseRuleWords(rest.slice(2), this.#family)) {
        checkInterfaces(chain.text, spec);
        table.rules.push({ chain: chain.text, spec: counter === undefined ? spec : { ...spec, counter }, line });
      }
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

function place(word: Word | undefined, wordIndex: number): { word: string; wordIndex: number; column: number } {
  return { word: word?.text ?? '', wordIndex, column: word?.column ?? 1 };
}

function syntax(reason: string, word: string, column: number, line: number): RuleSyntaxError {
  return new RuleSyntaxError(reason, { word, wordIndex: 0, column, line });
}

/** `[packets:bytes]` before a rule. */
function leadingCounter(words: readonly Word[]): Counter | undefined {
  const first = words[0];
  if (first === undefined || !first.text.startsWith('[')) return undefined;
  return parseCounter(first.text) ?? fail(first);
}
function fail(word: Word): never {
  throw new RuleSyntaxError(`"${word.text}" is no [packets:bytes]`, place(word, 0));
}

function parseCounter(text: string): Counter | undefined {
  const colon = text.indexOf(':');
  if (!text.startsWith('[') || !text.endsWith(']') || colon < 0) return undefined;
  const packets = text.slice(1, colon);
  const bytes = text.slice(colon + 1, -1);
  if (!/^\d{1,20}$/.test(packets) || !/^\d{1,20}$/.test(bytes)) return undefined;
  return { packets: BigInt(packets), bytes: BigInt(bytes) };
}

function chainLine(text: string, line: number, table: OpenTable): SavedChain {
  const [name = '', policy, counters] = text.slice(1).trim().split(/\s+/);
  const builtin = builtinChains(table.name)?.some((c) => c.name === name) ?? false;
  if (name === '') throw syntax('a chain name is missing', text, 1, line);
  const reason = chainNameError(name);
  if (reason !== undefined) throw syntax(reason, name, 2, line);
  if (policy === undefined) throw syntax(`chain ${name} has no policy`, '', text.length + 1, line);
  const counter = counters === undefined ? undefined : parseCounter(counters);
  if (counters !== undefined && counter === undefined)
    throw syntax(`"${counters}" is no [packets:bytes]`, counters, text.indexOf(counters) + 1, line);
  const column = text.indexOf(policy, name.length + 1) + 1;
  if (policy === '-') return { name, line };
  if (!builtin) throw syntax(`user chain ${name} cannot have a policy`, policy, column, line);
  if (policy !== 'ACCEPT' && policy !== 'DROP') throw syntax(`bad policy "${policy}", ACCEPT or DROP`, policy, column, line);
  return { name, policy, line, ...(counter === undefined ? {} : { counter }) };
}

/** Why a name cannot be a chain's, or undefined (xshared.c assert_valid_chain_name). */
export function chainNameError(name: string): string | undefined {
  if (name === '') return 'a chain name is missing';
  if (new TextEncoder().encode(name).length > CHAIN_MAX) return `chain name "${name}" is too long, ${CHAIN_MAX} bytes are allowed`;
  if (name.startsWith('-') || name.startsWith('!')) return `chain name "${name}" must not begin with "${name[0]}"`;
  if (/\s/.test(name)) return `chain name "${name}" contains a blank`;
  return undefined;
}
