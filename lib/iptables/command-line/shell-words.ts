// A command line as words, as a shell would part it: single quotes, double quotes, backslashes, lines joined by a backslash, # comments.
// Nothing is expanded: no variables, no globs.
import { RuleSyntaxError } from '../../errors.ts';
import type { Word } from '../words.ts';

const BLANK = /[ \t\r\n]/;

/** Inside double quotes a backslash takes the next character as it is, as in save text; inside single quotes nothing is special. */
export function shellWords(line: string): Word[] {
  const words: Word[] = [];
  let text = '';
  let start = -1;
  let quoted = false;
  const finish = (): void => {
    if (start >= 0) words.push({ text, column: start + 1, quoted });
    text = '';
    start = -1;
    quoted = false;
  };
  for (let at = 0; at < line.length; at++) {
    const c = line.charAt(at);
    if (BLANK.test(c)) {
      finish();
      continue;
    }
    if (c === '\\' && /^\r?\n/.test(line.slice(at + 1, at + 3))) {
      at += line[at + 1] === '\r' ? 2 : 1;
      continue;
    }
    if (c === '#' && start < 0) {
      const end = line.indexOf('\n', at);
      at = end < 0 ? line.length : end;
      continue;
    }
    if (start < 0) start = at;
    if (c === '\\') {
      quoted = true;
      text += line[++at] ?? c;
    } else if (c === "'" || c === '"') {
      quoted = true;
      const end = closing(line, at, words.length, start);
      const inside = line.slice(at + 1, end);
      text += c === "'" ? inside : inside.replace(/\\(.)/gs, '$1');
      at = end;
    } else text += c;
  }
  finish();
  return words;
}

/** Where the quote at `open` is closed. */
function closing(line: string, open: number, wordIndex: number, start: number): number {
  for (let at = open + 1; at < line.length; at++) {
    if (line[at] === line[open]) return at;
    if (line[at] === '\\' && line[open] === '"') at++;
  }
  throw new RuleSyntaxError('a quote is opened and not closed', { word: line.slice(start), wordIndex, column: start + 1 });
}
