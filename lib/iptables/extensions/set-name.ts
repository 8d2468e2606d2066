// The name of an ipset and the direction of each of its dimensions, as -m set and -j SET have them (libxt_set.h,
// linux/netfilter/xt_set.h). The kernel's structs have the set's index.
import { type Value, ValueError } from './codec.ts';
import { name } from './values.ts';

export type Direction = 'src' | 'dst';
export interface SetAndDirections {
  readonly set: string;
  readonly flags: readonly Direction[];
}

/** IPSET_MAXNAMELEN with its NUL. */
const NAME_SIZE = 32;
/** IPSET_DIM_MAX. */
const DIMENSIONS = 6;

const setName = name(NAME_SIZE - 1);

export const setAndDirections: Value<SetAndDirections> = {
  parse: (words, c) => {
    const set = setName.parse(words, c);
    if (set === '') throw new ValueError('a set has a name');
    const flags = (words[1] as string).split(',').map((flag): Direction => {
      if (flag !== 'src' && flag !== 'dst') throw new ValueError("You must specify (the comma separated list of) 'src' or 'dst'.", 1);
      return flag;
    });
    if (flags.length > DIMENSIONS) throw new ValueError(`Can't be more src/dst options than ${DIMENSIONS}.`, 1);
    return { set, flags };
  },
  format: ({ set, flags }) => [set, flags.join(',')],
};

/** Bit 1 + i is set where dimension i is of the source. */
export function directionBits(flags: readonly Direction[]): number {
  let bits = 0;
  for (const [i, flag] of flags.entries()) if (flag === 'src') bits |= 1 << (i + 1);
  return bits;
}
export function directionsOf(dimensions: number, bits: number): readonly Direction[] {
  return Array.from({ length: Math.min(dimensions, DIMENSIONS) }, (_, i) => ((bits & (1 << (i + 1))) !== 0 ? 'src' : 'dst'));
}
