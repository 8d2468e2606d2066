// -j SET (linux/netfilter/xt_set.h; libxt_SET.c). Names become indices, and back, when bytes are written and read.
import { type BytesContext, flag, type OptionSpec, type OptionsOf, option, target, ValueError } from './codec.ts';
import type { Reading } from './option-values.ts';
import { readSetInfo, readSetInfoV0, type SetAndDirections, setAndDirections, writeSetInfo, writeSetInfoV0 } from './set-name.ts';
import type { Struct } from './struct.ts';
import { unsigned } from './values.ts';

/** IPSET_INVALID_ID: no set. */
const NO_SET = 0xffff;
/** The set's own timeout. */
const NO_TIMEOUT = 0xffffffff;

const setOption: OptionSpec<SetAndDirections> = { words: 2, value: setAndDirections, not: false };
/** In the order the save commands print. */
const options = {
  'add-set': setOption,
  exist: flag(),
  timeout: option(unsigned(NO_TIMEOUT - 1)),
  'del-set': setOption,
  'map-set': setOption,
  'map-mark': flag(),
  'map-prio': flag(),
  'map-queue': flag(),
};
type Options = OptionsOf<typeof options>;
type SetKey = 'addSet' | 'delSet' | 'mapSet';

/** IPSET_FLAG_*. */
const EXIST = 1 << 0;
const mapFlags = [
  { key: 'mapMark', bit: 1 << 8, word: 'map-mark' },
  { key: 'mapPrio', bit: 1 << 9, word: 'map-prio' },
  { key: 'mapQueue', bit: 1 << 10, word: 'map-queue' },
] as const;

const mapping = (o: Options): boolean => mapFlags.some(({ key }) => o[key] !== undefined);
/** What revisions 0 and 1 can say. */
const plain = (o: Options): boolean => o.mapSet === undefined && o.exist === undefined && o.timeout === undefined;

/** One struct xt_set_info after another. */
function writeSets(keys: readonly SetKey[], o: Options, s: Struct, c: BytesContext): void {
  for (const [i, key] of keys.entries()) {
    const value = o[key];
    if (value === undefined) s.setU16(4 * i, NO_SET);
    else writeSetInfo(s, 4 * i, value, c);
  }
}
function readSets(keys: readonly SetKey[], s: Struct, c: BytesContext): Reading<Options> {
  const out: Reading<Options> = {};
  for (const [i, key] of keys.entries()) if (s.u16(4 * i) !== NO_SET) out[key] = readSetInfo(s, 4 * i, c);
  return out;
}
/** What lies beside an index that is none. */
function canonicalSets(keys: readonly SetKey[], s: Struct): void {
  for (const i of keys.keys()) if (s.u16(4 * i) === NO_SET) s.setU16(4 * i + 2, 0);
}

/** __u32 flags, timeout */
function writeFlags(o: Options, s: Struct, at: number): void {
  const exist = o.exist === undefined ? 0 : EXIST;
  s.setU32(
    at,
    mapFlags.reduce((sum, { key, bit }) => sum | (o[key] === undefined ? 0 : bit), exist),
  );
  s.setU32(at + 4, o.timeout ?? NO_TIMEOUT);
}
function readFlags(out: Reading<Options>, s: Struct, at: number): Options {
  const flags = s.u32(at);
  if ((flags & EXIST) !== 0) out.exist = true;
  for (const { key, bit } of mapFlags) if ((flags & bit) !== 0) out[key] = true;
  const timeout = s.u32(at + 4);
  if (timeout !== NO_TIMEOUT) out.timeout = timeout;
  const known = mapFlags.reduce((sum, { bit }) => sum | bit, EXIST);
  if ((flags & ~known) !== 0) throw new ValueError(`no option stands for the flags 0x${flags.toString(16)}`);
  return complete(out);
}

function complete(o: Options): Options {
  if ((o.addSet ?? o.delSet ?? o.mapSet) === undefined) {
    throw new ValueError("You must specify either `--add-set' or `--del-set' or `--map-set'");
  }
  if (o.addSet === undefined && o.exist !== undefined) throw new ValueError("Flag `--exist' can be used with `--add-set' only");
  if (o.addSet === undefined && o.timeout !== undefined) throw new ValueError("Option `--timeout' can be used with `--add-set' only");
  if (o.mapSet === undefined && mapping(o))
    throw new ValueError("Flags `--map-mark', `--map-prio' and `--map-queue' can be used with `--map-set' only");
  if (o.mapSet !== undefined && !mapping(o)) throw new ValueError("You must specify flags `--map-mark' or `--map-prio' or `--map-queue'");
  return o;
}

const two = ['addSet', 'delSet'] as const;
const three = ['addSet', 'delSet', 'mapSet'] as const;
/** struct xt_set_info_v0 has 32 bytes. */
const SIZE_V0 = 32;

export const SET = target('SET', {
  options,
  revisions: [
    {
      // struct xt_set_info_target_v0: struct xt_set_info_v0 add_set, del_set
      revision: 0,
      family: 'ip',
      size: 64,
      kernelPrivate: [
        [28, 32],
        [60, 64],
      ],
      can: plain,
      write: (o, s, c) => {
        for (const [i, key] of two.entries()) {
          const value = o[key];
          if (value === undefined) s.setU16(SIZE_V0 * i, NO_SET);
          else writeSetInfoV0(s, SIZE_V0 * i, value, c);
        }
      },
      read: (s, c) => {
        const out: Reading<Options> = {};
        for (const [i, key] of two.entries()) if (s.u16(SIZE_V0 * i) !== NO_SET) out[key] = readSetInfoV0(s, SIZE_V0 * i, c);
        return complete(out);
      },
    },
    {
      // struct xt_set_info_target_v1: struct xt_set_info add_set, del_set
      revision: 1,
      size: 8,
      can: plain,
      write: (o, s, c) => writeSets(two, o, s, c),
      read: (s, c) => complete(readSets(two, s, c)),
      canonical: (s) => canonicalSets(two, s),
    },
    {
      // struct xt_set_info_target_v2: __u32 flags, timeout behind them
      revision: 2,
      size: 16,
      can: (o) => o.mapSet === undefined,
      write: (o, s, c) => {
        writeSets(two, o, s, c);
        writeFlags(o, s, 8);
      },
      read: (s, c) => readFlags(readSets(two, s, c), s, 8),
      canonical: (s) => canonicalSets(two, s),
    },
    {
      // struct xt_set_info_target_v3: map_set before the flags
      revision: 3,
      size: 20,
      write: (o, s, c) => {
        writeSets(three, o, s, c);
        writeFlags(o, s, 12);
      },
      read: (s, c) => readFlags(readSets(three, s, c), s, 12),
      canonical: (s) => canonicalSets(three, s),
    },
  ],
  list: (o) => {
    const set = (word: string, value: SetAndDirections | undefined): string =>
      value === undefined ? '' : ` ${word} ${value.set} ${value.flags.join(',')}`;
    const added = `${o.exist === true ? ' exist' : ''}${o.timeout === undefined ? '' : ` timeout ${o.timeout}`}`;
    const mapped = mapFlags.map(({ key, word }) => (o[key] === undefined ? '' : ` ${word}`)).join('');
    return `${set('add-set', o.addSet)}${added}${set('del-set', o.delSet)}${set('map-set', o.mapSet)}${mapped}`;
  },
  finish: complete,
});
