// Words into rules, with the grammar of iptables' command line (xshared.c do_parse, getopt_long(3)): options in any order, `!` before
// the option it inverts, long options shortened as far as they stay unambiguous, and a protocol's own match loaded by its options.
import { RuleSyntaxError } from '../../errors.ts';
import { chainNameError } from '../builtin.ts';
import { refusedInterface } from '../chain-rules.ts';
import { type Codec, camel, type IpFamily, type ParseContext, ValueError } from '../extensions/codec.ts';
import { codecOf, type Extension } from '../extensions/registry.ts';
import { parseUnsigned } from '../extensions/values.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { Word } from '../words.ts';
import { parseNetwork } from './addresses.ts';
import {
  type BaseOption,
  type CommandLetter,
  checkInterface,
  checkTarget,
  commandLetter,
  counterNumber,
  iptablesTargets,
  letters,
  longOptions,
  standardTargets,
  takesValue,
} from './base-options.ts';
import { completeExtension } from './complete.ts';
import { assemble, type Draft, network } from './draft.ts';
import { type Grammar, grammarOf, type OptionEntry } from './grammar.ts';
import { protocolName, protocolNumber } from './protocols.ts';

/** A match or target the rule has named, with the options it has so far. */
interface Loaded {
  readonly codec: Codec;
  readonly grammar: Grammar;
  readonly options: Record<string, unknown>;
  /** Index of the word that named it. */
  readonly at: number;
}
type Found = { readonly base: BaseOption; readonly long: string } | { readonly loaded: Loaded; readonly entry: OptionEntry } | undefined;

/** A command of save text with its words. */
export interface ParsedCommand {
  readonly letter: CommandLetter;
  readonly chain: string | undefined;
  /** The rule's number, the chain's new name, the policy. */
  readonly more: string | undefined;
  /** Index of the option that named it. */
  readonly at: number;
}
export interface ParserOptions {
  /** The chain the rule is for. */
  readonly chain?: string;
  /** Save text: one of the options is a command. */
  readonly commands?: boolean;
  /** Index of the word to begin with. */
  readonly start?: number;
}

export class RuleParser implements ParseContext {
  readonly family: IpFamily;
  protocol = 0;
  protocolInverted = false;
  readonly #words: readonly Word[];
  readonly #draft: Draft = {};
  /** In the order they were loaded: the newest one's options go first. */
  readonly #loaded: Loaded[] = [];
  #target: Loaded | undefined;
  #sources: readonly string[] = [];
  #destinations: readonly string[] = [];
  #sourceInverted = false;
  #destinationInverted = false;
  /** Base options seen, -g as -j. */
  #seen = '';
  /** The text of -p: its match may be loaded by an option. */
  #protocolWord: string | undefined;
  #protocolLoaded = false;
  #next = 0;
  /** Index of the option being read. */
  #option = 0;
  /** Index of the word being read. */
  #at = 0;
  #inverted = false;
  readonly #o: ParserOptions;
  #command: ParsedCommand | undefined;
  /** Indexes of options, for errors that only the whole shows. */
  readonly #places: { i?: number; o?: number; rule?: number; target?: number } = {};

  constructor(words: readonly Word[], family: IpFamily, o: ParserOptions = {}) {
    this.#words = words;
    this.family = family;
    this.#o = o;
    this.#next = o.start ?? 0;
  }

  /** After `rules`: the command among the words. */
  get command(): ParsedCommand {
    if (this.#command === undefined) throw this.#missing('a command is needed: -A, -I, -D, -R, -N, -X, -F, -E or -P');
    return this.#command;
  }
  /** After `rules`: index of the word that names the target, or of the last. */
  get targetAt(): number {
    return this.#places.target ?? this.#words.length - 1;
  }

  /** One rule, or one for each pair of addresses where -s or -d lists several. */
  rules(): RuleSpec[] {
    while (this.#next < this.#words.length) {
      this.#at = this.#option = this.#next++;
      const { text } = this.#words[this.#at] as Word;
      if (text === '!') {
        if (this.#inverted) throw this.#error('multiple consecutive ! not allowed');
        this.#inverted = true;
        continue;
      }
      if (text.length < 2 || text.charCodeAt(0) !== DASH) throw this.#error(`Bad argument \`${text}'`);
      if (text.charCodeAt(1) === DASH) this.#long(text);
      else this.#short(text);
      this.#inverted = false;
    }
    if (this.#inverted) throw this.#error('nothing appropriate following !');
    return this.#finish();
  }

  #short(text: string): void {
    for (let at = 1; at < text.length; at++) {
      const letter = text.charAt(at);
      const option = letters.get(letter);
      if (option === undefined) throw this.#error(`unknown option "-${letter}"`);
      if (option === 'command') return this.#takeCommand(letter, `-${letter}`, at + 1 < text.length ? text.slice(at + 1) : undefined);
      if (!takesValue(option)) {
        this.#base(option, '', 0);
        continue;
      }
      const rest = at + 1 < text.length ? text.slice(at + 1) : undefined;
      this.#baseWithValue(option, `-${letter}`, rest, at + 1);
      return;
    }
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
    const attached = equals < 0 ? undefined : text.slice(equals + 1);
    let found = this.#lookUp(name);
    if (found === undefined && this.#loadProtocol()) found = this.#lookUp(name);
    if (found === undefined) throw this.#error(`unknown option "--${name}"`);
    if ('loaded' in found) return this.#extensionOption(found.loaded, found.entry, attached, equals + 1);
    if (found.base === 'command') return this.#takeCommand(found.long, `--${name}`, attached);
    if (takesValue(found.base)) return this.#baseWithValue(found.base, `--${name}`, attached, equals + 1);
    if (attached !== undefined) throw this.#error(`option "--${name}" takes no argument`);
    this.#base(found.base, '', 0);
  }

  #takeCommand(name: string, written: string, attached: string | undefined): void {
    const letter = commandLetter(name);
    if (this.#o.commands !== true) throw this.#error(`option "${written}" belongs to a command, not to a rule`);
    if (letter === undefined) throw this.#error(`option "${written}" has no place in save text`);
    if (this.#command !== undefined) throw this.#error(`Cannot use -${letter} with -${this.#command.letter}`);
    if (this.#inverted) throw this.#error(`unexpected '!' flag before --${name}`);
    const at = this.#at;
    const optional = letter === 'F' || letter === 'X';
    const chain = attached ?? (optional ? this.#optionalValue() : this.#value(written));
    const reason = chain === undefined ? undefined : chainNameError(chain);
    if (reason !== undefined) throw this.#error(reason);
    let more: string | undefined;
    if (letter === 'I' || letter === 'D') more = this.#optionalValue();
    else if (letter === 'R' || letter === 'E' || letter === 'P') more = this.#value(written);
    if (more !== undefined && 'IDR'.includes(letter) && parseUnsigned(more, 0x7fffffff, 1) === undefined)
      throw this.#error(`Invalid rule number \`${more}'`);
    this.#command = { letter, chain, more, at };
  }

  /** The next word, unless there is none or it is an option. */
  #optionalValue(): string | undefined {
    if (!this.#wordFollows()) return undefined;
    this.#at = this.#next++;
    return this.#words[this.#at]?.text;
  }

  /** Exact names first: the base options', then the newest extension's. */
  #lookUp(name: string): Found {
    const base = longOptions.get(name);
    if (base !== undefined) return { base, long: name };
    for (let i = this.#loaded.length - 1; i >= 0; i--) {
      const loaded = this.#loaded[i] as Loaded;
      const entry = loaded.grammar.byLong.get(name);
      if (entry !== undefined) return { loaded, entry };
    }
    return this.#lookUpShortened(name);
  }

  #lookUpShortened(name: string): Found {
    if (name === '') return undefined;
    let found: Found;
    const candidates: string[] = [];
    for (const [long, base] of longOptions) {
      if (!long.startsWith(name)) continue;
      // --source and --src are one option, as --append and --delete are not.
      if (found !== undefined && 'base' in found && found.base === base && base !== 'command') continue;
      candidates.push(long);
      found = { base, long };
    }
    for (let i = this.#loaded.length - 1; i >= 0; i--) {
      const loaded = this.#loaded[i] as Loaded;
      for (const [long, entry] of loaded.grammar.byLong) {
        if (!long.startsWith(name) || candidates.includes(long)) continue;
        candidates.push(long);
        found = { loaded, entry };
      }
    }
    if (candidates.length > 1) throw this.#error(`option "--${name}" is ambiguous: ${candidates.map((long) => `--${long}`).join(', ')}`);
    return found;
  }

  /** `-p tcp --dport 22`: an option nobody knows loads the protocol's match, once. */
  #loadProtocol(): boolean {
    if (this.#protocolWord === undefined || this.#protocolLoaded) return false;
    this.#protocolLoaded = true;
    const byNumber = protocolNumber(this.#protocolWord);
    const word = this.#protocolWord.toLowerCase();
    const name = word.charCodeAt(0) <= NINE ? String(protocolName(byNumber ?? 0)) : word;
    const codec = matchCodec(name, this.family);
    if (codec === undefined) return false;
    this.#load(codec, this.#at);
    return true;
  }

  #load(codec: Codec, at: number): Loaded {
    const loaded = { codec, grammar: grammarOf(codec), options: { name: codec.name }, at };
    this.#loaded.push(loaded);
    return loaded;
  }

  /** The next word, which must be there. */
  #value(option: string): string {
    const word = this.#words[this.#next];
    if (word === undefined) throw this.#missing(`option "${option}" requires an argument`);
    this.#at = this.#next++;
    return word.text;
  }

  #baseWithValue(option: BaseOption, written: string, attached: string | undefined, offset: number): void {
    const value = attached ?? this.#value(written);
    // The form of long ago, `-s ! address`: the real tools stumble over the word after it.
    if (value === '!' && this.#words[this.#at]?.quoted === false) {
      throw this.#error(`Bad argument \`!': it stands before the option it inverts, as in ! ${written}`);
    }
    try {
      this.#base(option, value, attached === undefined ? 0 : offset);
    } catch (err) {
      throw err instanceof ValueError ? this.#error(err.message, value, attached === undefined ? 0 : offset) : err;
    }
  }

  #once(option: string): void {
    if (this.#seen.includes(option)) throw this.#optionError(`multiple -${option} flags not allowed`);
    this.#seen += option;
  }

  #base(option: BaseOption, value: string, offset: number): void {
    const draft = this.#draft;
    this.#places.rule ??= this.#option;
    switch (option) {
      case 'p':
        this.#once('p');
        return this.#setProtocol(value);
      case 's':
        this.#once('s');
        this.#sources = this.#networks(value);
        this.#sourceInverted = this.#inverted;
        return;
      case 'd':
        this.#once('d');
        this.#destinations = this.#networks(value);
        this.#destinationInverted = this.#inverted;
        return;
      case 'i':
        this.#once('i');
        this.#places.i = this.#option;
        checkInterface(value);
        if (value !== '+' || this.#inverted) draft.inInterface = this.#not(value);
        return;
      case 'o':
        this.#once('o');
        this.#places.o = this.#option;
        checkInterface(value);
        if (value !== '+' || this.#inverted) draft.outInterface = this.#not(value);
        return;
      case 'f':
        this.#once('f');
        if (this.family === 'ip6') throw this.#error("`-f' is not supported in IPv6, use -m frag instead");
        draft.fragment = this.#inverted ? { not: true } : true;
        return;
      case 'c':
        this.#once('c');
        this.#refuseInverted('-c');
        return this.#setCounter(value, offset);
      case 'm':
        if (this.#inverted) throw this.#optionError('unexpected ! flag before --match');
        return this.#loadMatch(value);
      case 'j':
      case 'g':
        this.#refuseInverted(`-${option}`);
        if (this.#seen.includes('j')) throw this.#optionError('multiple -j flags not allowed');
        this.#seen += 'j';
        this.#places.target = this.#at;
        return this.#setTarget(value, option === 'g');
      case '4':
      case '6':
        this.#refuseInverted(`-${option}`);
        if ((option === '4') !== (this.family === 'ip'))
          throw this.#error(`-${option} is of the other family: this is a rule of ${this.family}`);
        return;
      case 'command':
        return;
      default:
        option satisfies never;
    }
  }

  #not<T>(value: T): T | { readonly not: T } {
    return this.#inverted ? { not: value } : value;
  }

  #refuseInverted(option: string): void {
    if (this.#inverted) throw this.#optionError(`cannot have ! before ${option}`);
  }

  #setProtocol(word: string): void {
    const number = protocolNumber(word);
    if (number === undefined) throw new ValueError(`unknown protocol "${word}" specified`);
    if (number === 0 && this.#inverted) throw new ValueError('rule would never match protocol');
    this.protocol = number;
    this.protocolInverted = this.#inverted;
    this.#protocolWord = word;
    if (number !== 0) this.#draft.protocol = this.#not(protocolName(number));
  }

  #networks(value: string): string[] {
    if (!value.includes(',')) return [parseNetwork(value, this.family)];
    if (this.#inverted) throw new ValueError('! not allowed with multiple source or destination IP addresses');
    return value.split(',').map((part) => parseNetwork(part.trimStart(), this.family));
  }

  #setCounter(value: string, offset: number): void {
    const comma = value.indexOf(',', 1);
    let second: string | undefined = comma < 0 ? undefined : value.slice(comma + 1);
    const first = comma < 0 ? value : value.slice(0, comma);
    const packets = counterNumber(first);
    if (second === undefined) {
      const text = this.#words[this.#next]?.text;
      if (text === undefined || text.startsWith('-') || text.startsWith('!'))
        throw this.#error('-c requires packet and byte counter', value, offset);
      if (packets === undefined) throw this.#error('-c packet counter not numeric', value, offset);
      this.#at = this.#next++;
      second = text;
    } else if (packets === undefined) throw this.#error('-c packet counter not numeric', value, offset);
    const bytes = counterNumber(second);
    if (bytes === undefined) throw this.#error('-c byte counter not numeric', second);
    this.#draft.counter = { packets, bytes };
  }

  #loadMatch(name: string): void {
    const codec = matchCodec(name, this.family);
    if (codec === undefined) throw new ValueError(`Couldn't load match \`${name}': nflink knows no such match of ${this.family}`);
    this.#load(codec, this.#at);
    // The real tools try the protocol's match only where it isn't loaded already.
    if (this.#protocolWord !== undefined && codec.name === this.#protocolWord.toLowerCase()) this.#protocolLoaded = true;
  }

  #setTarget(name: string, goto: boolean): void {
    checkTarget(name);
    const codec = codecOf('target', name, this.family);
    const known = codec !== undefined || standardTargets.has(name) || iptablesTargets.has(name);
    if (goto) {
      if (known) throw new ValueError(`goto '${name}' is not a chain`);
      this.#draft.target = { goto: name };
    } else if (codec !== undefined) {
      this.#target = this.#load(codec, this.#at);
    } else if (standardTargets.has(name)) this.#draft.target = { name: name as 'ACCEPT' };
    else if (known) throw new ValueError(`Couldn't load target \`${name}': nflink knows no such target of ${this.family}`);
    else this.#draft.target = { jump: name };
  }

  #extensionOption(loaded: Loaded, entry: OptionEntry, attached: string | undefined, offset: number): void {
    const { codec } = loaded;
    const { spec, long, key } = entry;
    const options = entry.part === undefined ? loaded.options : this.#element(loaded, entry.part);
    if (entry.part === 'next') return;
    if (options[key] !== undefined) throw this.#error(`${codec.name}: option "--${long}" can only be used once`);
    if (this.#inverted && !spec.not) throw this.#error(`${codec.name}: option "--${long}" cannot be inverted`);
    if (spec.after !== undefined && options[camel(spec.after)] === undefined)
      throw this.#error(`${codec.name}: you need to use --${spec.after} first, before "--${long}"`);
    const words: string[] = [];
    let first = this.#at;
    if (spec.words === 0) {
      if (attached !== undefined) throw this.#error(`${codec.name}: option "--${long}" takes no argument`);
    } else if (spec.words !== '0-1' || attached !== undefined || this.#wordFollows()) {
      words.push(attached ?? this.#value(`--${long}`));
      first = this.#at;
      if (spec.words === 2) {
        const second = this.#words[this.#next];
        if (second === undefined) throw this.#missing(`${codec.name}: --${long} requires two args`);
        if (second.text.startsWith('-') || second.text.startsWith('!')) {
          this.#at = this.#next;
          throw this.#error(`${codec.name}: --${long} requires two args`);
        }
        words.push(second.text);
        this.#next++;
      }
    }
    let value: unknown;
    try {
      value = spec.value.parse(words, this);
    } catch (err) {
      if (!(err instanceof ValueError)) throw err;
      this.#at = first + err.word;
      throw this.#error(
        `${codec.name}: bad value for option "--${long}" near "${words.join(' ')}": ${err.message}`,
        words[err.word],
        attached === undefined || err.word > 0 ? 0 : offset,
      );
    }
    options[key] = this.#inverted ? { not: value } : value;
  }

  /** The group of options that is being read; `next` begins another. */
  #element(loaded: Loaded, part: 'element' | 'next'): Record<string, unknown> {
    const key = loaded.codec.elements?.key ?? '';
    loaded.options[key] ??= [{}];
    const list = loaded.options[key] as Record<string, unknown>[];
    if (part === 'next') {
      if (this.#inverted) throw this.#error(`${loaded.codec.name}: option "--${loaded.codec.elements?.next}" cannot be inverted`);
      list.push({});
    }
    return list[list.length - 1] as Record<string, unknown>;
  }

  #wordFollows(): boolean {
    const text = this.#words[this.#next]?.text;
    return text !== undefined && !text.startsWith('-') && !text.startsWith('!');
  }

  /** What only the command and the whole rule together show. */
  #checkChain(): void {
    const { letter, more } = this.#command ?? {};
    const ruleless = letter !== undefined && ('FNXEP'.includes(letter) || (letter === 'D' && more !== undefined));
    if (ruleless && this.#places.rule !== undefined) {
      this.#at = this.#places.rule;
      throw this.#error(`Illegal option \`${this.#words[this.#at]?.text}' with this command`);
    }
    const chain = this.#o.chain ?? this.#command?.chain;
    const side = chain === undefined ? undefined : refusedInterface(chain, this.#draft);
    const at = side === undefined ? undefined : this.#places[side];
    if (at === undefined) return;
    this.#at = at;
    throw this.#error(`can't use -${side} with ${chain}`);
  }

  #finish(): RuleSpec[] {
    const draft = this.#draft;
    this.#checkChain();
    const matches: Extension[] = [];
    for (const loaded of this.#loaded) {
      const extension = this.#complete(loaded);
      if (loaded === this.#target) draft.target = extension;
      else matches.push(extension);
    }
    if (matches.length > 0) draft.matches = matches;
    const sources = this.#sources;
    const destinations = this.#destinations;
    const out: RuleSpec[] = [];
    for (const source of sources.length === 0 ? [undefined] : sources) {
      for (const destination of destinations.length === 0 ? [undefined] : destinations) {
        out.push(assemble(draft, network(source, this.#sourceInverted), network(destination, this.#destinationInverted)));
      }
    }
    return out;
  }

  #complete(loaded: Loaded): Extension {
    try {
      return completeExtension(loaded.codec, loaded.options, this);
    } catch (err) {
      if (!(err instanceof ValueError)) throw err;
      this.#at = loaded.at;
      throw this.#error(`${loaded.codec.name}: ${err.message}`);
    }
  }

  /** About the word being read, or a part of it. */
  #error(reason: string, text?: string, offset = 0): RuleSyntaxError {
    const word = this.#words[this.#at] as Word;
    return new RuleSyntaxError(reason, { word: text ?? word.text, wordIndex: this.#at, column: word.column + offset });
  }

  /** About the option itself, whose value may have been read. */
  #optionError(reason: string): RuleSyntaxError {
    this.#at = this.#option;
    return this.#error(reason);
  }

  /** About a word that should follow the last. */
  #missing(reason: string): RuleSyntaxError {
    const last = this.#words[this.#words.length - 1];
    const column = last === undefined ? 1 : last.column + last.text.length + 1;
    return new RuleSyntaxError(reason, { word: '', wordIndex: this.#words.length, column });
  }
}

const DASH = 45;
const NINE = 57;

/** The real tools' names for the IPv6 protocol's match (xtables_find_match). */
function matchCodec(name: string, family: IpFamily): Codec | undefined {
  return codecOf('match', name === 'icmpv6' || name === 'ipv6-icmp' ? 'icmp6' : name, family);
}
