// Comma-separated words that stand for bits: tcp flags, conntrack states, address types.
import { type Value, ValueError } from './codec.ts';

export interface BitWord<W extends string> {
  readonly word: W;
  readonly bit: number;
}

/** The words of the bits that are set, in the order of the table. */
export function wordsOfBits<W extends string>(table: readonly BitWord<W>[], bits: number): readonly W[] {
  const out: W[] = [];
  for (const { word, bit } of table) if ((bits & bit) !== 0) out.push(word);
  return out;
}

export function bitsOf<W extends string>(table: readonly BitWord<W>[], words: readonly W[]): number {
  let bits = 0;
  for (const { word, bit } of table) if (words.includes(word)) bits |= bit;
  return bits;
}

/** A list whose words may be shortened and in any case (strncasecmp); `order` is the order they are tried in, `table` that of printing. */
export function bitWords<W extends string>(
  what: string,
  table: readonly BitWord<W>[],
  order: readonly BitWord<W>[] = table,
): Value<readonly W[]> {
  // Nearly every list is one the save commands printed: found whole.
  const exact = new Map<string, number>(table.map(({ word, bit }) => [word, bit]));
  return {
    parse: ([list]) => {
      let bits = 0;
      for (const word of (list as string).split(',')) {
        const bit = exact.get(word) ?? shortened(order, word);
        if (bit === undefined) throw new ValueError(`Bad ${what} "${word}"`);
        bits |= bit;
      }
      return wordsOfBits(table, bits);
    },
    format: (words) => [words.join(',')],
  };
}

function shortened(order: readonly BitWord<string>[], word: string): number | undefined {
  if (word === '') return undefined;
  const upper = word.toUpperCase();
  return order.find((entry) => entry.word.startsWith(upper))?.bit;
}
