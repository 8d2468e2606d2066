// Values of the type of service as -m tos and -j TOS take them: names of RFC 1349, or numbers with a mask (libxtables, tos_values.c).
import { type Value, ValueError } from './codec.ts';
import { type Marked, parseUnsigned } from './values.ts';

const names = {
  'Minimize-Delay': 0x10,
  'Maximize-Throughput': 0x08,
  'Maximize-Reliability': 0x04,
  'Minimize-Cost': 0x02,
  'Normal-Service': 0x00,
} as const;
export type TosName = keyof typeof names;

/** A name's mask: all but the two bits of ECN. */
const NAME_MASK = 0x3f;
const MAX = 0xff;

function parse(word: string): Marked {
  const slash = word.indexOf('/');
  const value = parseUnsigned(slash < 0 ? word : word.slice(0, slash), MAX);
  if (value !== undefined) {
    const mask = slash < 0 ? MAX : parseUnsigned(word.slice(slash + 1), MAX);
    if (mask === undefined) throw new ValueError(`Illegal value: "${word}"`);
    return { value, mask };
  }
  for (const [name, named] of Object.entries(names)) {
    if (name.toLowerCase() === word.toLowerCase()) return { value: named, mask: NAME_MASK };
  }
  throw new ValueError(`Symbolic name "${word}" is unknown`);
}

/** `value[/mask]` of 8 bits, the mask all ones by default, or a name in any case. Printed in hex, always with its mask. */
export const tosValue: Value<Marked> = {
  parse: ([word]) => parse(word as string),
  format: (v) => [tosHex(v)],
};

/** `0x10/0x3f`. */
export function tosHex({ value, mask }: Marked): string {
  return `${hex2(value)}/${hex2(mask)}`;
}

/** The name that stands for the value under the mask, for -L without -n. */
export function tosName({ value, mask }: Marked): TosName | undefined {
  if (mask !== NAME_MASK) return undefined;
  return (Object.keys(names) as TosName[]).find((name) => names[name] === value);
}

/** 0x%02x of C. */
export function hex2(n: number): string {
  return `0x${n.toString(16).padStart(2, '0')}`;
}
