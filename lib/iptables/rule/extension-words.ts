// The matches and the target that a rule's words have named, and their options among the words (getopt_long(3), xtoptions.c).
import type { RuleSyntaxError } from '../../errors.ts';
import { type Codec, camel, type ParseContext, ValueError } from '../extensions/codec.ts';
import type { Extension } from '../extensions/registry.ts';
import { completeExtension } from './complete.ts';
import type { WordCursor } from './cursor.ts';
import { type Grammar, grammarOf, type OptionEntry } from './grammar.ts';

/** A match or target the rule has named, with the options it has so far. */
export interface Loaded {
  readonly codec: Codec;
  readonly grammar: Grammar;
  readonly options: Record<string, unknown>;
  /** Index of the word that named it. */
  readonly at: number;
}
export interface FoundOption {
  readonly loaded: Loaded;
  readonly entry: OptionEntry;
}

export class ExtensionWords {
  /** In the order they were loaded: the newest one's options go first. */
  readonly loaded: Loaded[] = [];
  readonly #cursor: WordCursor;
  readonly #context: ParseContext;

  constructor(cursor: WordCursor, context: ParseContext) {
    this.#cursor = cursor;
    this.#context = context;
  }

  load(codec: Codec): Loaded {
    const loaded = { codec, grammar: grammarOf(codec), options: { name: codec.name }, at: this.#cursor.at };
    this.loaded.push(loaded);
    return loaded;
  }

  /** The newest extension's option of that name. */
  find(name: string): FoundOption | undefined {
    for (let i = this.loaded.length - 1; i >= 0; i--) {
      const loaded = this.loaded[i] as Loaded;
      const entry = loaded.grammar.byLong.get(name);
      if (entry !== undefined) return { loaded, entry };
    }
    return undefined;
  }

  /** All options whose names begin so, the newest extension's first, and of each name the first. */
  beginning(name: string): ReadonlyMap<string, FoundOption> {
    const found = new Map<string, FoundOption>();
    for (let i = this.loaded.length - 1; i >= 0; i--) {
      const loaded = this.loaded[i] as Loaded;
      for (const [long, entry] of loaded.grammar.byLong) if (long.startsWith(name) && !found.has(long)) found.set(long, { loaded, entry });
    }
    return found;
  }

  /** Reads the values of an option whose own word has been read; `attached` is what follows its `=`, `offset` where that begins. */
  take({ loaded, entry }: FoundOption, attached: string | undefined, offset: number, inverted: boolean): void {
    const cursor = this.#cursor;
    const { codec } = loaded;
    const { spec, long, key } = entry;
    const options = entry.part === undefined ? loaded.options : this.#element(loaded, entry.part, inverted);
    if (entry.part === 'next') return;
    if (options[key] !== undefined) throw cursor.error(`${codec.name}: option "--${long}" can only be used once`);
    if (inverted && !spec.not) throw cursor.error(`${codec.name}: option "--${long}" cannot be inverted`);
    if (spec.after !== undefined && options[camel(spec.after)] === undefined)
      throw cursor.error(`${codec.name}: you need to use --${spec.after} first, before "--${long}"`);
    const words: string[] = [];
    let first = cursor.at;
    if (spec.words === 0) {
      if (attached !== undefined) throw cursor.error(`${codec.name}: option "--${long}" takes no argument`);
    } else if (spec.words !== '0-1' || attached !== undefined || cursor.wordFollows()) {
      words.push(attached ?? cursor.value(`--${long}`));
      first = cursor.at;
      if (spec.words === 2) words.push(this.#second(`${codec.name}: --${long} requires two args`));
    }
    const value = this.#parse(loaded, entry, words, first, attached === undefined ? 0 : offset);
    options[key] = inverted ? { not: value } : value;
  }

  #second(reason: string): string {
    const cursor = this.#cursor;
    const second = cursor.words[cursor.next];
    if (second === undefined) throw cursor.missing(reason);
    if (!cursor.wordFollows()) throw cursor.errorAt(cursor.next, reason);
    cursor.next++;
    return second.text;
  }

  #parse({ codec }: Loaded, { spec, long }: OptionEntry, words: readonly string[], first: number, offset: number): unknown {
    try {
      return spec.value.parse(words, this.#context);
    } catch (err) {
      if (!(err instanceof ValueError)) throw err;
      this.#cursor.at = first + err.word;
      const reason = `${codec.name}: bad value for option "--${long}" near "${words.join(' ')}": ${err.message}`;
      throw this.#cursor.error(reason, words[err.word], err.word > 0 ? 0 : offset);
    }
  }

  /** The group of options that is being read; `next` begins another. */
  #element(loaded: Loaded, part: 'element' | 'next', inverted: boolean): Record<string, unknown> {
    const key = loaded.codec.elements?.key ?? '';
    loaded.options[key] ??= [{}];
    const list = loaded.options[key] as Record<string, unknown>[];
    if (part === 'next') {
      if (inverted) throw this.#cursor.error(`${loaded.codec.name}: option "--${loaded.codec.elements?.next}" cannot be inverted`);
      list.push({});
    }
    return list[list.length - 1] as Record<string, unknown>;
  }

  complete(loaded: Loaded): Extension {
    try {
      return completeExtension(loaded.codec, loaded.options, this.#context);
    } catch (err) {
      throw err instanceof ValueError ? this.#about(loaded, err) : err;
    }
  }

  #about(loaded: Loaded, err: ValueError): RuleSyntaxError {
    return this.#cursor.errorAt(loaded.at, `${loaded.codec.name}: ${err.message}`);
  }
}
