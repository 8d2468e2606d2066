// The command among a line's words, and the settings beside it (xshared.c do_parse): which chain, which rule, what is shown and how.
import { chainNameError } from '../builtin.ts';
import { parseUnsigned } from '../extensions/values.ts';
import type { CommandLetter, SettingLetter } from './base-options.ts';
import type { WordCursor } from './cursor.ts';

export interface ParsedCommand {
  readonly letter: CommandLetter;
  readonly chain: string | undefined;
  /** The rule's number, the chain's new name, the policy. */
  readonly more: string | undefined;
  /** Index of the option that named it. */
  readonly at: number;
  /** -Z beside -L or -S. */
  readonly zero: boolean;
}

/** What a command line says beside its command. */
export interface Settings {
  readonly table: string | undefined;
  readonly numeric: boolean;
  readonly verbose: boolean;
  readonly exact: boolean;
  readonly lineNumbers: boolean;
  /** -h and -V: nothing else is looked at. */
  readonly show: 'help' | 'version' | undefined;
}
const plain: Settings = { table: undefined, numeric: false, verbose: false, exact: false, lineNumbers: false, show: undefined };

export class CommandWords {
  /** What nothing has been said about. */
  #settings: Settings = plain;
  readonly #cursor: WordCursor;
  #command: ParsedCommand | undefined;
  #waits = false;
  #waitInterval: number | undefined;

  constructor(cursor: WordCursor) {
    this.#cursor = cursor;
  }

  get command(): ParsedCommand | undefined {
    return this.#command;
  }
  get settings(): Settings {
    return this.#settings;
  }

  takeCommand(letter: CommandLetter, written: string, attached: string | undefined, inverted: boolean): void {
    const cursor = this.#cursor;
    const before = this.#command;
    if (before !== undefined && !goTogether(before, letter)) throw cursor.error(`Cannot use -${letter} with -${before.letter}`);
    if (inverted) throw cursor.error(`unexpected '!' flag before ${written}`);
    const { at } = cursor;
    const chain = attached ?? ('LSFZX'.includes(letter) ? cursor.optionalValue() : cursor.value(written));
    const reason = chain === undefined ? undefined : chainNameError(chain);
    if (reason !== undefined) throw cursor.error(reason);
    const more = this.#more(letter);
    this.#command = {
      letter: letter === 'Z' ? (before?.letter ?? 'Z') : letter,
      chain: chain ?? before?.chain,
      more: more ?? before?.more,
      at,
      zero: before !== undefined,
    };
  }

  /** The second word of a command. */
  #more(letter: CommandLetter): string | undefined {
    if ('ACNFX'.includes(letter)) return undefined;
    const cursor = this.#cursor;
    const more = cursor.optionalValue();
    if (more === undefined) {
      const needed = { R: 'a rule number', E: 'old-chain-name and new-chain-name', P: 'a chain and a policy' } as const;
      if (letter === 'R' || letter === 'E' || letter === 'P') throw this.#needs(`-${letter} requires ${needed[letter]}`);
    } else if (letter !== 'E' && letter !== 'P' && parseUnsigned(more, 0x7fffffff, 1) === undefined)
      throw cursor.error(`Invalid rule number \`${more}'`);
    return more;
  }

  /** About a word that should stand where another or none does. */
  #needs(reason: string) {
    const cursor = this.#cursor;
    return cursor.next < cursor.words.length ? cursor.errorAt(cursor.next, reason) : cursor.missing(reason);
  }

  takeSetting(letter: SettingLetter, value: string | undefined, inverted: boolean): void {
    if (this.#settings === plain) this.#settings = { ...plain };
    const settings = this.#settings as { -readonly [K in keyof Settings]: Settings[K] };
    const cursor = this.#cursor;
    if (inverted) throw cursor.optionError(`cannot have ! before ${letter === '0' ? '--line-numbers' : `-${letter}`}`);
    switch (letter) {
      case 't':
        settings.table = value;
        return;
      case 'n':
        settings.numeric = true;
        return;
      case 'v':
        settings.verbose = true;
        return;
      case 'x':
        settings.exact = true;
        return;
      case '0':
        settings.lineNumbers = true;
        return;
      case 'V':
        settings.show = 'version';
        return;
      case 'h':
        settings.show = 'help';
        return;
      case 'w':
        this.#waits = true;
        return this.#checkWait('wait seconds', value);
      case 'W':
        this.#waitInterval = cursor.at;
        return this.#checkWait('wait interval', value);
      case 'M':
        return;
      default:
        letter satisfies never;
    }
  }

  /** The lock is the backend's to wait for: -w is checked and has no effect. */
  #checkWait(what: string, attached: string | undefined): void {
    const value = attached ?? this.#cursor.optionalValue();
    if (value !== undefined && !/^[+-]?\d/.test(value)) throw this.#cursor.error(`${what} not numeric`);
  }

  /** What only the whole line shows. */
  finish(): void {
    if (this.#waitInterval !== undefined && !this.#waits)
      throw this.#cursor.errorAt(this.#waitInterval, '--wait-interval only makes sense with --wait');
  }
}

/** -L and -S may stand with -Z, whichever comes first. */
function goTogether(before: ParsedCommand, letter: CommandLetter): boolean {
  if (before.zero) return false;
  const pair = before.letter + letter;
  return pair === 'LZ' || pair === 'SZ' || pair === 'ZL' || pair === 'ZS';
}
