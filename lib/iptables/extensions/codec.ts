// What an xtables extension is here: a grammar of options, and the struct of every revision. One codec serves text, the
// typed options a program uses, and the bytes in the kernel on either backend:
//
//   words ──parse──► options object ──write──► xt_*_info
//   words ◄──format── options object ◄──read── xt_*_info
//
// The options object is the middle and is canonical: what two spellings mean alike is equal there.
import type { Struct } from './struct.ts';

export type IpFamily = 'ip' | 'ip6';
/** `! --option value`. */
export type Not<T> = T | { readonly not: T };

/** What a parser of option values may know about the rule. */
export interface ParseContext {
  readonly family: IpFamily;
  /** -p, 0 where the rule has none. */
  readonly protocol: number;
  /** `! -p`. */
  readonly protocolInverted: boolean;
}
/** What reading and writing bytes may ask of the system: an ipset's index by name, and back, in the rule's namespace. */
export interface BytesContext {
  readonly family: IpFamily;
  /** For the few structs that iptables-nft has longer than the kernel's xtables. */
  readonly backend?: 'nft' | 'legacy';
  setIndex(name: string): number;
  setName(index: number): string;
}

export { ValueError } from './value-error.ts';

/** Text form of one option's value. `parse` throws ValueError; `format` of what `parse` gave is the form the save commands print. */
export interface Value<T> {
  parse(words: readonly string[], c: ParseContext): T;
  format(value: T, c: ParseContext): readonly string[];
  /**
   * True: printed as xtables_save_string does, in quotes unless it is letters, digits, `_` and `-`. 'always': in quotes whatever it is.
   * Other values are quoted only where they must be.
   */
  readonly quote?: true | 'always';
  /** Printed after two blanks, as the real program happens to. */
  readonly wide?: true;
}
export interface OptionSpec<T> {
  /** How many words follow the option; '0-1': one, unless an option or `!` follows. */
  readonly words: 0 | 1 | 2 | '0-1';
  readonly value: Value<T>;
  /** Whether `!` may stand before it. */
  readonly not: boolean;
  /** For a spelling of another option: that option's long name. It is never printed itself. */
  readonly as?: string;
  /** An option that must be written before this one. */
  readonly after?: string;
}
export interface Invertible<T> extends OptionSpec<T> {
  readonly not: true;
}
export interface Spelling<T> extends OptionSpec<T> {
  readonly as: string;
}

/** An option with one word. */
export function option<T>(value: Value<T>): OptionSpec<T> {
  return { words: 1, value, not: false };
}
/** An option with one word that `!` may invert. */
export function notOption<T>(value: Value<T>): Invertible<T> {
  return { words: 1, value, not: true };
}
/** An option with two words that `!` may invert. */
export function notOption2<T>(value: Value<T>): Invertible<T> {
  return { words: 2, value, not: true };
}
const present: Value<true> = { parse: () => true, format: () => [] };
/** An option without a word. */
export function flag(): OptionSpec<true> {
  return { words: 0, value: present, not: false };
}
export function notFlag(): Invertible<true> {
  return { words: 0, value: present, not: true };
}
/** Another name for `long`, with its value or one of its own that gives the same type. */
export function spelling<T>(long: string, of: OptionSpec<T>): Spelling<T> {
  return { ...of, as: long };
}

export type OptionTable = Readonly<Record<string, OptionSpec<unknown>>>;

/** What a parser of -L text may know besides: whether -n was given. */
export interface ListContext extends ParseContext {
  readonly numeric: boolean;
}

/**
 * Options that may come in several groups, parted by an option (-m policy: --reqid … --next --reqid …). In the options object they
 * are a list under `key`, whose type the codec declares with `elementList`.
 */
export interface ElementOptions {
  readonly key: string;
  /** The option that begins the next group. */
  readonly next: string;
  readonly options: OptionTable;
}
/** Declares the list of an `ElementOptions` among a codec's options: no word of the command line by itself. */
export function elementList<T>(): OptionSpec<readonly T[]> {
  return { words: 0, value: { parse: () => [], format: () => [] }, not: false };
}
type Camel<S extends string> = S extends 'name' ? 'listName' : Joined<S>;
type Joined<S extends string> = S extends `${infer A}-${infer B}` ? `${A}${Capitalize<Joined<B>>}` : S;
type ValueOf<S> = S extends Invertible<infer T> ? Not<T> : S extends OptionSpec<infer T> ? T : never;
type Flat<T> = { [K in keyof T]: T[K] };
/** The typed options that follow from a grammar: the camelCase of each long option; see `camel`. */
export type OptionsOf<S extends OptionTable> = Flat<{
  readonly [K in keyof S & string as S[K] extends Spelling<unknown> ? never : Camel<K>]?: ValueOf<S[K]>;
}>;

export interface Revision<O> {
  readonly revision: number;
  /** Where the layouts differ by family; absent: both. */
  readonly family?: IpFamily;
  /** sizeof of the struct; XT_ALIGN is added by whoever writes it. */
  readonly size: number;
  /** sizeof in the tables of legacy xtables, where that is another. */
  readonly legacySize?: number;
  /** Byte ranges [from, to) that are the kernel's own: written as zero, ignored when comparing. */
  readonly kernelPrivate?: readonly (readonly [from: number, to: number])[];
  write(options: O, s: Struct, c: BytesContext): void;
  read(s: Struct, c: BytesContext): O;
  /** Whether the revision can say what the options say; absent: it can. */
  can?(options: O): boolean;
  /** Makes alike what means alike, for comparing; absent: equal bytes are equal rules. */
  canonical?(s: Struct): void;
}

export interface Codec<N extends string = string, S extends OptionTable = OptionTable> {
  readonly kind: 'match' | 'target';
  /** The name after -m or -j. */
  readonly name: N;
  /** The kernel's name where it is another (state is a conntrack). */
  readonly kernelName?: string;
  readonly family?: IpFamily;
  /** Long option → how it is read; canonical options in the order they are printed. */
  readonly options: S;
  readonly elements?: ElementOptions;
  /** Oldest first. */
  readonly revisions: readonly Revision<OptionsOf<S>>[];
  /** Checks the whole once all options are there, and fills in what the real tools fill in. Throws ValueError. */
  finish?(options: OptionsOf<S>, c: ParseContext): OptionsOf<S>;
  /** The options that are printed, where that isn't those that are there. */
  shown?(options: OptionsOf<S>, c: ParseContext): OptionsOf<S>;
  /** Words after the name, where they aren't simply the options in order. */
  print?(options: OptionsOf<S>, c: ParseContext): readonly string[];
  /** What `iptables -L` prints for it, with every blank the real program prints before, inside and after; absent: nothing. */
  list?(options: OptionsOf<S>, c: ListContext): string;
  /** Of codecs that share a kernel name: whether these options are this codec's to print. */
  claims?(s: Struct, revision: number): boolean;
  /** Which -p the extension insists on; 0 in the list allows none. Checked by the rule parser with the real tools' meaning. */
  readonly protocols?: readonly number[];
  /** It works with `! -p` of the protocol too: on nf_tables the ports are the kernel's own expressions, which ask for none. */
  readonly inverted?: true;
}

export function match<const N extends string, const S extends OptionTable>(name: N, c: Omit<Codec<N, S>, 'kind' | 'name'>): Codec<N, S> {
  return { kind: 'match', name, ...c };
}
export function target<const N extends string, const S extends OptionTable>(name: N, c: Omit<Codec<N, S>, 'kind' | 'name'>): Codec<N, S> {
  return { kind: 'target', name, ...c };
}

/** The key of a long option. `--name` (of recent) is `listName`, since `name` is the extension's own. */
export function camel(long: string): string {
  if (long === 'name') return 'listName';
  return long.replace(/-(.)/g, (_, c: string) => c.toUpperCase());
}

export function isNot(v: unknown): v is { readonly not: unknown } {
  return typeof v === 'object' && v !== null && Object.hasOwn(v, 'not');
}
