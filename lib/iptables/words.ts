// Rule text as words and back, with the quoting of iptables-restore (xshared.c, add_param_to_argv) and of the save commands
// (libxtables, xtables_save_string).
import { RuleSyntaxError } from '../errors.ts';

export interface Word {
  readonly text: string;
  /** Where it begins in its line, from 1. */
  readonly column: number;
  /** Whether any of it was quoted, or came from a program's variable. */
  readonly quoted: boolean;
}

const TAB = 9;
const NEWLINE = 10;
const SPACE = 32;
const QUOTE = 34;
const BACKSLASH = 92;

/**
 * The words of a line. Blanks outside double quotes part words; inside, a backslash takes the next character as it is. A closing quote
 * ends its word. Outside quotes a backslash is an ordinary character.
 */
export function splitWords(line: string, from = 0): Word[] {
  const words: Word[] = [];
  const end = line.length;
  let at = from;
  while (at < end) {
    const code = line.charCodeAt(at);
    if (code === SPACE || code === TAB || code === NEWLINE) {
      at++;
      continue;
    }
    const start = at;
    // Most words have no quote: one slice, nothing copied by character.
    while (at < end) {
      const c = line.charCodeAt(at);
      if (c === SPACE || c === QUOTE || c === TAB || c === NEWLINE) break;
      at++;
    }
    if (at === end || line.charCodeAt(at) !== QUOTE) {
      words.push({ text: line.slice(start, at), column: start + 1, quoted: false });
      continue;
    }
    const text = line.slice(start, at);
    const [inside, after] = quotedPart(line, at + 1, words.length, start);
    words.push({ text: text + inside, column: start + 1, quoted: true });
    at = after;
  }
  return words;
}

/** What stands between the quote before `from` and the next, and the place after that. */
function quotedPart(line: string, from: number, wordIndex: number, wordStart: number): readonly [string, number] {
  let text = '';
  let done = from;
  for (let at = from; at < line.length; at++) {
    const code = line.charCodeAt(at);
    if (code === QUOTE) return [text + line.slice(done, at), at + 1];
    if (code === BACKSLASH) {
      text += line.slice(done, at);
      done = ++at;
    }
  }
  // iptables-restore takes the rest of the line for the word: a target swallowed so would change what the rule does.
  throw new RuleSyntaxError('a quote is opened and not closed', { word: line.slice(wordStart), wordIndex, column: wordStart + 1 });
}

/** Arguments as a program passes them: each is one word. Columns count as if one blank stood between them. */
export function wordsOf(args: readonly string[]): Word[] {
  let column = 1;
  return args.map((text: unknown, i) => {
    if (typeof text !== 'string') throw new RuleSyntaxError('every word of a rule is text', { word: String(text), wordIndex: i, column });
    const word = { text, column, quoted: true };
    column += text.length + 1;
    return word;
  });
}

/**
 * The words of a template: its text is split as `splitWords` does, and what is put in never splits, ends or begins a quote, so each
 * is part of exactly one word, alone between blanks or joined to the text it touches.
 */
export function templateWords(strings: readonly string[], values: readonly (string | number)[]): Word[] {
  const words: Word[] = [];
  let text = '';
  let started = false;
  let quoted = false;
  let open = false;
  let column = 1;
  let start = 1;
  const begin = (): void => {
    if (!started) start = column;
    started = true;
  };
  const finish = (): void => {
    if (started) words.push({ text, column: start, quoted });
    text = '';
    started = quoted = open = false;
  };
  for (const [i, part] of strings.entries()) {
    for (let at = 0; at < part.length; at++, column++) {
      const code = part.charCodeAt(at);
      if (open) {
        if (code === QUOTE) finish();
        else if (code === BACKSLASH && at + 1 < part.length) {
          text += part[++at];
          column++;
        } else text += part[at];
      } else if (code === QUOTE) {
        begin();
        quoted = open = true;
      } else if (code === SPACE || code === TAB || code === NEWLINE) finish();
      else {
        begin();
        text += part[at];
      }
    }
    const value = values[i];
    if (value === undefined) continue;
    begin();
    quoted = true;
    text += value;
    column += String(value).length;
  }
  if (open) throw new RuleSyntaxError('a quote is opened and not closed', { word: text, wordIndex: words.length, column: start });
  finish();
  return words;
}

/** As xtables_save_string prints: quoted unless it is letters, digits, `_` and `-` only. */
export function saveString(value: string): string {
  for (let at = 0; at < value.length; at++) {
    if (!isPlain(value.charCodeAt(at))) return quote(value);
  }
  return value === '' ? '""' : value;
}

/** As it is, and quoted only where it would not be read back as one word: most values are printed so. */
export function saveWord(value: string): string {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (code === SPACE || code === TAB || code === NEWLINE || code === QUOTE) return quote(value);
  }
  return value === '' ? '""' : value;
}

/** In quotes whatever it is, with a backslash only before what would end or escape (printf of the extensions that print so). */
export function saveQuoted(value: string): string {
  return `"${value.replace(/["\\]/g, '\\$&')}"`;
}

function isPlain(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 57) || code === 95 || code === 45;
}

function quote(value: string): string {
  return `"${value.replace(/["\\']/g, '\\$&')}"`;
}
