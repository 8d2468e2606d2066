// The place in a line of words that is being read, and errors that name it.
import { RuleSyntaxError } from '../../errors.ts';
import type { Word } from '../words.ts';

export class WordCursor {
  readonly words: readonly Word[];
  /** Index of the word that is read next. */
  next: number;
  /** Index of the option being read. */
  option = 0;
  /** Index of the word being read. */
  at = 0;

  constructor(words: readonly Word[], start: number) {
    this.words = words;
    this.next = start;
  }

  /** The next word as an option's, or undefined at the end. */
  take(): Word | undefined {
    const word = this.words[this.next];
    if (word !== undefined) this.at = this.option = this.next++;
    return word;
  }

  /** The next word, which must be there. */
  value(option: string): string {
    const word = this.words[this.next];
    if (word === undefined) throw this.missing(`option "${option}" requires an argument`);
    this.at = this.next++;
    return word.text;
  }

  /** The next word, unless there is none or it is an option (xs_has_arg). */
  optionalValue(): string | undefined {
    if (!this.wordFollows()) return undefined;
    this.at = this.next++;
    return this.words[this.at]?.text;
  }

  wordFollows(): boolean {
    const text = this.words[this.next]?.text;
    return text !== undefined && !text.startsWith('-') && !text.startsWith('!');
  }

  /** About the word being read, or a part of it. */
  error(reason: string, text?: string, offset = 0): RuleSyntaxError {
    const word = this.words[this.at] as Word;
    return new RuleSyntaxError(reason, { word: text ?? word.text, wordIndex: this.at, column: word.column + offset });
  }

  /** About a word that was read before. */
  errorAt(at: number, reason: string): RuleSyntaxError {
    this.at = at;
    return this.error(reason);
  }

  /** About the option itself, whose value may have been read. */
  optionError(reason: string): RuleSyntaxError {
    return this.errorAt(this.option, reason);
  }

  /** About a word that should follow the last. */
  missing(reason: string): RuleSyntaxError {
    const last = this.words[this.words.length - 1];
    const column = last === undefined ? 1 : last.column + last.text.length + 1;
    return new RuleSyntaxError(reason, { word: '', wordIndex: this.words.length, column });
  }
}
