// The name of an ipset and the direction of each of its dimensions, as -m set and -j SET have them (libxt_set.h,
// linux/netfilter/xt_set.h). The kernel's structs have the set's index.
import { type BytesContext, type Value, ValueError } from './codec.ts';
import type { Struct } from './struct.ts';
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

/** struct xt_set_info: __u16 index; __u8 dim, flags. Bit 1 + i of the flags is set where dimension i is of the source. */
export function writeSetInfo(s: Struct, at: number, { set, flags }: SetAndDirections, c: BytesContext): void {
  s.setU16(at, c.setIndex(set));
  s.setU8(at + 2, flags.length);
  let bits = 0;
  for (const [i, flag] of flags.entries()) if (flag === 'src') bits |= 1 << (i + 1);
  s.setU8(at + 3, bits);
}
export function readSetInfo(s: Struct, at: number, c: BytesContext): SetAndDirections {
  const dimensions = s.u8(at + 2);
  if (dimensions === 0 || dimensions > DIMENSIONS) throw new ValueError(`a set has no ${dimensions} dimensions`);
  const bits = s.u8(at + 3);
  const flags = Array.from({ length: dimensions }, (_, i): Direction => ((bits & (1 << (i + 1))) !== 0 ? 'src' : 'dst'));
  return { set: c.setName(s.u16(at)), flags };
}

/** IPSET_SRC, IPSET_DST of each dimension. */
const SRC_V0 = 1;
const DST_V0 = 2;

/**
 * struct xt_set_info_v0: __u16 index; union { __u32 flags[7]; struct { __u32 __flags[6]; __u8 dim, flags } compat }, of 32 bytes. The
 * kernel notes the newer form of the flags in the last four.
 */
export function writeSetInfoV0(s: Struct, at: number, { set, flags }: SetAndDirections, c: BytesContext): void {
  s.setU16(at, c.setIndex(set));
  for (const [i, flag] of flags.entries()) s.setU32(at + 4 + 4 * i, flag === 'src' ? SRC_V0 : DST_V0);
}
export function readSetInfoV0(s: Struct, at: number, c: BytesContext): SetAndDirections {
  const flags: Direction[] = [];
  for (let i = 0; i < DIMENSIONS && (s.u32(at + 4 + 4 * i) & (SRC_V0 | DST_V0)) !== 0; i++)
    flags.push((s.u32(at + 4 + 4 * i) & SRC_V0) !== 0 ? 'src' : 'dst');
  if (flags.length === 0) throw new ValueError('a set has dimensions');
  return { set: c.setName(s.u16(at)), flags };
}
