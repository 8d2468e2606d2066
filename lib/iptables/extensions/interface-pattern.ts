// An interface's name and its mask as structs have them (xtables_parse_interface): `eth+` compares what stands before the +, other names
// their NUL too.
import { encodeText } from '../../wire/text.ts';
import { checkInterface } from '../rule/base-options.ts';
import { type Value, ValueError } from './codec.ts';
import { endedText } from './option-values.ts';
import type { Struct } from './struct.ts';

/** IFNAMSIZ. */
const SIZE = 16;

export const interfacePattern: Value<string> = {
  parse: ([word]) => {
    checkInterface(word as string);
    return word as string;
  },
  format: (v) => [v],
};

function maskLength(name: string): number {
  return name.endsWith('+') ? encodeText(name).length - 1 : encodeText(name).length + 1;
}

/** The name at `at`, its mask after it. */
export function writePattern(s: Struct, at: number, name: string): void {
  s.setText(at, SIZE, name);
  s.set(at + SIZE, new Uint8Array(maskLength(name)).fill(0xff));
}

export function readPattern(s: Struct, at: number): string {
  const name = endedText(s, at, SIZE);
  const length = maskLength(name);
  const mask = s.copy(at + SIZE, SIZE);
  if (name === '' || length > SIZE || mask.some((byte, i) => byte !== (i < length ? 0xff : 0)))
    throw new ValueError(`no option stands for the mask of interface "${name}"`);
  return name;
}
