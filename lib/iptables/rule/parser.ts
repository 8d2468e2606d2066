// Words into rules and commands, with the grammar of iptables' command line (xshared.c do_parse, getopt_long(3)): options in any order,
// `!` before the option it inverts, long options shortened as far as they stay unambiguous, and a protocol's own match loaded by its options.
import { refusedInterface } from '../chain-rules.ts';
import { type Codec, type IpFamily, type ParseContext, ValueError } from '../extensions/codec.ts';
import { codecOf, type Extension, targetNames } from '../extensions/registry.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { Word } from '../words.ts';
import { parseNetwork } from './addresses.ts';
import {
  type BaseOption,
  checkInterface,
  checkTarget,
  counterNumber,
  isCommand,
  isRuleOption,
  letters,
  longOptions,
  type RuleOption,
  refusedOptions,
  standardTargets,
  valueKind,
} from './base-options.ts';
import { CommandWords, type ParsedCommand, type Settings } from './command-words.ts';
import { WordCursor } from './cursor.ts';
import { assemble, type Draft, network } from './draft.ts';
import { ExtensionWords, type FoundOption, type Loaded } from './extension-words.ts';
import { protocolName, protocolNumber } from './protocols.ts';

export type { ParsedCommand, Settings } from './command-words.ts';

export interface ParserOptions {
  /** The chain the rule is for, where the words are a rule alone. */
  readonly chain?: string;
  /** A line of save text, or a command line: one of the options is a command. Absent: the words are a rule. */
  readonly commands?: 'text' | 'line';
  /** Index of the word to begin with. */
  readonly start?: number;
}

export class RuleParser implements ParseContext {
  readonly family: IpFamily;
  protocol = 0;
  protocolInverted = false;
  /** Save text passes over a line that is of the other family. */
  ofOtherFamily = false;
  readonly #cursor: WordCursor;
  readonly #commands: CommandWords;
  readonly #extensions: ExtensionWords;
  readonly #draft: Draft = {};
  #target: Loaded | undefined;
  #sources: readonly string[] = [];
  #destinations: readonly string[] = [];
  #sourceInverted = false;
  #destinationInverted = false;
  /** Options seen, -g as -j: their letters, and the indexes of their words in the same order. */
  #seen = '';
  readonly #seenAt: number[] = [];
  /** The text of -p: its match may be loaded by an option. */
  #protocolWord: string | undefined;
  #protocolLoaded = false;
  #inverted = false;
  readonly #o: ParserOptions;
  /** Index of the word that names the target. */
  #targetAt: number | undefined;

  constructor(words: readonly Word[], family: IpFamily, o: ParserOptions = {}) {
    this.family = family;
    this.#o = o;
    this.#cursor = new WordCursor(words, o.start ?? 0);
    this.#commands = new CommandWords(this.#cursor);
    this.#extensions = new ExtensionWords(this.#cursor, this);
  }

  /** After `rules`: the command among the words. */
  get command(): ParsedCommand {
    const { command } = this.#commands;
    if (command === undefined) throw this.#cursor.missing('no command specified: one such as -A, -D or -F is needed');
    return command;
  }
  /** After `rules`: what a command line says beside its command. */
  get settings(): Settings {
    return this.#commands.settings;
  }
  /** After `rules`: index of the word that names the target, or of the last. */
  get targetAt(): number {
    return this.#targetAt ?? this.#cursor.words.length - 1;
  }

  /** One rule, or one for each pair of addresses where -s or -d lists several. None where -h or -V asks for text, or another family's line is passed over. */
  rules(): RuleSpec[] {
    const cursor = this.#cursor;
    for (let word = cursor.take(); word !== undefined; word = cursor.take()) {
      const { text } = word;
      if (text === '!') {
        if (this.#inverted) throw cursor.error('multiple consecutive ! not allowed');
        this.#inverted = true;
        continue;
      }
      if (text === '--' && cursor.next < cursor.words.length) throw cursor.errorAt(cursor.next, 'unknown arguments found on commandline');
      if (text === '--') break;
      if (text.length < 2 || text.charCodeAt(0) !== DASH) throw cursor.error(`Bad argument \`${text}'`);
      if (text.charCodeAt(1) === DASH) this.#long(text);
      else this.#short(text);
      this.#inverted = false;
      if (this.settings.show !== undefined || this.ofOtherFamily) return [];
    }
    if (this.#inverted) throw cursor.error('nothing appropriate following !');
    return this.#finish();
  }

  #short(text: string): void {
    for (let at = 1; at < text.length; at++) {
      const letter = text.charAt(at);
      const option = letters.get(letter);
      if (option === undefined) throw this.#cursor.error(`unknown option "-${letter}"`);
      if (valueKind(option) !== 'none') {
        const rest = at + 1 < text.length ? text.slice(at + 1) : undefined;
        return this.#option(option, `-${letter}`, rest, at + 1);
      }
      this.#option(option, `-${letter}`, undefined, 0);
    }
  }

  #long(text: string): void {
    const equals = text.indexOf('=');
    const name = equals < 0 ? text.slice(2) : text.slice(2, equals);
    const attached = equals < 0 ? undefined : text.slice(equals + 1);
    let found = this.#lookUp(name);
    if (found === undefined && this.#loadProtocol()) found = this.#lookUp(name);
    if (found === undefined) throw this.#cursor.error(`unknown option "--${name}"`);
    if (typeof found === 'object') return this.#extensions.take(found, attached, equals + 1, this.#inverted);
    if (attached !== undefined && valueKind(found) === 'none') throw this.#cursor.error(`option "--${name}" takes no argument`);
    this.#option(found, `--${name}`, attached, equals + 1);
  }

  /** Exact names first: the base options', then the newest extension's. */
  #lookUp(name: string): BaseOption | FoundOption | undefined {
    return longOptions.get(name) ?? this.#extensions.find(name) ?? this.#lookUpShortened(name);
  }

  #lookUpShortened(name: string): BaseOption | FoundOption | undefined {
    if (name === '') return undefined;
    const found = new Map<string, BaseOption | FoundOption>();
    // --source and --src are one option.
    for (const [long, base] of longOptions) if (long.startsWith(name) && ![...found.values()].includes(base)) found.set(long, base);
    for (const [long, option] of this.#extensions.beginning(name)) if (!found.has(long)) found.set(long, option);
    if (found.size > 1) {
      throw this.#cursor.error(`option "--${name}" is ambiguous: ${[...found.keys()].map((long) => `--${long}`).join(', ')}`);
    }
    return found.values().next().value;
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
    this.#extensions.load(codec);
    return true;
  }

  /** An option of iptables itself; `attached` is the value in its own word, from `offset` on. */
  #option(option: BaseOption, written: string, attached: string | undefined, offset: number): void {
    const cursor = this.#cursor;
    const { commands } = this.#o;
    if (isRuleOption(option)) {
      if (valueKind(option) === 'none') return this.#rule(option, '', 0);
      return this.#ruleWithValue(option, written, attached, offset);
    }
    if (commands === undefined) throw cursor.error(`option "${written}" belongs to a command, not to a rule`);
    if (isCommand(option)) return this.#commands.takeCommand(option, written, attached, this.#inverted);
    if (commands === 'text') throw cursor.error(`option "${written}" has no place in save text`);
    if (option === 'n' || option === 'x' || option === '0') this.#once(option);
    const value = attached ?? (valueKind(option) === 'needed' ? cursor.value(written) : undefined);
    this.#commands.takeSetting(option, value, this.#inverted);
  }

  #ruleWithValue(option: RuleOption, written: string, attached: string | undefined, offset: number): void {
    const cursor = this.#cursor;
    const value = attached ?? cursor.value(written);
    // The form of long ago, `-s ! address`: the real tools stumble over the word after it.
    if (value === '!' && cursor.words[cursor.at]?.quoted === false) {
      throw cursor.error(`Bad argument \`!': it stands before the option it inverts, as in ! ${written}`);
    }
    try {
      this.#rule(option, value, attached === undefined ? 0 : offset);
    } catch (err) {
      throw err instanceof ValueError ? cursor.error(err.message, value, attached === undefined ? 0 : offset) : err;
    }
  }

  #once(option: string): void {
    if (this.#seen.includes(option)) throw this.#cursor.optionError(`multiple -${option} flags not allowed`);
    this.#note(option);
  }

  #note(option: string): void {
    this.#seen += option;
    this.#seenAt.push(this.#cursor.option);
  }

  #rule(option: RuleOption, value: string, offset: number): void {
    const draft = this.#draft;
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
        checkInterface(value);
        if (value !== '+' || this.#inverted) draft.inInterface = this.#not(value);
        return;
      case 'o':
        this.#once('o');
        checkInterface(value);
        if (value !== '+' || this.#inverted) draft.outInterface = this.#not(value);
        return;
      case 'f':
        this.#once('f');
        if (this.family === 'ip6') throw this.#cursor.error("`-f' is not supported in IPv6, use -m frag instead");
        draft.fragment = this.#inverted ? { not: true } : true;
        return;
      case 'c':
        this.#once('c');
        this.#refuseInverted('-c');
        return this.#setCounter(value, offset);
      case 'm':
        if (this.#inverted) throw this.#cursor.optionError('unexpected ! flag before --match');
        this.#note('m');
        return this.#loadMatch(value);
      case 'j':
      case 'g':
        this.#refuseInverted(`-${option}`);
        this.#once('j');
        this.#targetAt = this.#cursor.at;
        return this.#setTarget(value, option === 'g');
      case '4':
      case '6':
        this.#refuseInverted(`-${option}`);
        if ((option === '4') === (this.family === 'ip')) return;
        if (this.#o.commands !== 'text') throw this.#cursor.error(`-${option} is of the other family: this is a rule of ${this.family}`);
        this.ofOtherFamily = true;
        return;
      default:
        option satisfies never;
    }
  }

  #not<T>(value: T): T | { readonly not: T } {
    return this.#inverted ? { not: value } : value;
  }

  #refuseInverted(option: string): void {
    if (this.#inverted) throw this.#cursor.optionError(`cannot have ! before ${option}`);
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
    const cursor = this.#cursor;
    const comma = value.indexOf(',', 1);
    let second: string | undefined = comma < 0 ? undefined : value.slice(comma + 1);
    const first = comma < 0 ? value : value.slice(0, comma);
    const packets = counterNumber(first);
    if (second === undefined) {
      if (!cursor.wordFollows()) throw cursor.error('-c requires packet and byte counter', value, offset);
      if (packets === undefined) throw cursor.error('-c packet counter not numeric', value, offset);
      second = cursor.value('-c');
    } else if (packets === undefined) throw cursor.error('-c packet counter not numeric', value, offset);
    const bytes = counterNumber(second);
    if (bytes === undefined) throw cursor.error('-c byte counter not numeric', second);
    this.#draft.counter = { packets, bytes };
  }

  #loadMatch(name: string): void {
    const codec = matchCodec(name, this.family);
    if (codec === undefined) throw new ValueError(`Couldn't load match \`${name}': nflink knows no such match of ${this.family}`);
    this.#extensions.load(codec);
    // The real tools try the protocol's match only where it isn't loaded already.
    if (this.#protocolWord !== undefined && codec.name === this.#protocolWord.toLowerCase()) this.#protocolLoaded = true;
  }

  #setTarget(name: string, goto: boolean): void {
    checkTarget(name);
    const codec = codecOf('target', name, this.family);
    const known = codec !== undefined || standardTargets.has(name) || targetNames.has(name);
    if (goto) {
      if (known) throw new ValueError(`goto '${name}' is not a chain`);
      this.#draft.target = { goto: name };
    } else if (codec !== undefined) {
      this.#target = this.#extensions.load(codec);
    } else if (standardTargets.has(name)) this.#draft.target = { name: name as 'ACCEPT' };
    else if (known) throw new ValueError(`Couldn't load target \`${name}': nflink knows no such target of ${this.family}`);
    else this.#draft.target = { jump: name };
  }

  /** What only the command and the whole rule together show. */
  #check(): void {
    const cursor = this.#cursor;
    this.#commands.finish();
    const command = this.#o.commands === undefined ? undefined : this.command;
    if (command !== undefined) {
      const refused = refusedOptions(command.letter, command.more !== undefined);
      for (let i = 0; i < this.#seen.length; i++) {
        const option = this.#seen.charAt(i);
        if (refused.includes(option))
          throw cursor.errorAt(
            this.#seenAt[i] as number,
            `Illegal option \`-${option === '0' ? '-line-numbers' : option}' with this command`,
          );
      }
    }
    const chain = this.#o.chain ?? command?.chain;
    const named = { in: this.#seen.includes('i'), out: this.#seen.includes('o') };
    const side = chain === undefined ? undefined : refusedInterface(chain, named);
    if (side !== undefined) throw cursor.errorAt(this.#seenAt[this.#seen.indexOf(side)] as number, `can't use -${side} with ${chain}`);
  }

  #finish(): RuleSpec[] {
    const draft = this.#draft;
    this.#check();
    const matches: Extension[] = [];
    for (const loaded of this.#extensions.loaded) {
      const extension = this.#extensions.complete(loaded);
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
}

const DASH = 45;
const NINE = 57;

/** The real tools' names for the IPv6 protocol's match (xtables_find_match). */
function matchCodec(name: string, family: IpFamily): Codec | undefined {
  return codecOf('match', name === 'icmpv6' || name === 'ipv6-icmp' ? 'icmp6' : name, family);
}
