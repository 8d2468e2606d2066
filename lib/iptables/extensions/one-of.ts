// An option whose value is one of a few words, written as they are (strcmp).
import { type Value, ValueError } from './codec.ts';

export function oneOf<const W extends string>(long: string, words: readonly W[]): Value<W> {
  return {
    parse: ([word]) => {
      const found = words.find((w) => w === word);
      if (found === undefined) throw new ValueError(`Unknown --${long} \`${word}': one of ${words.join(', ')} is needed`);
      return found;
    },
    format: (v) => [v],
  };
}
