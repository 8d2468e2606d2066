// -m set (linux/netfilter/xt_set.h; libxt_set.c). Names become indices, and back, when bytes are written and read.
import {
  type BytesContext,
  flag,
  isNot,
  match,
  type Not,
  notFlag,
  notOption,
  notOption2,
  type OptionsOf,
  option,
  spelling,
  ValueError,
} from './codec.ts';
import { listed } from './listed.ts';
import { bare, onlyBits, type Reading, withNot, without } from './option-values.ts';
import { readSetInfo, readSetInfoV0, setAndDirections, writeSetInfo, writeSetInfoV0 } from './set-name.ts';
import type { Struct } from './struct.ts';
import { unsigned64 } from './values.ts';

/** In the order the save commands print. */
const options = {
  'match-set': notOption2(setAndDirections),
  set: spelling('match-set', notOption2(setAndDirections)),
  'return-nomatch': flag(),
  'update-counters': notFlag(),
  'update-subcounters': notFlag(),
  'packets-eq': notOption(unsigned64),
  'packets-lt': option(unsigned64),
  'packets-gt': option(unsigned64),
  'bytes-eq': notOption(unsigned64),
  'bytes-lt': option(unsigned64),
  'bytes-gt': option(unsigned64),
} as const;
type Options = OptionsOf<typeof options>;

const INVERTED = 0x01;
/** The revision 2 bit of the set's flags. */
const RETURN_NOMATCH_V2 = 0x80;
/** IPSET_FLAG_* of the match's flags (ip_set.h). */
const SKIP_COUNTER_UPDATE = 1 << 3;
const SKIP_SUBCOUNTER_UPDATE = 1 << 4;
const RETURN_NOMATCH = 1 << 7;
/** IPSET_COUNTER_*. */
const NONE = 0;
const EQ = 1;
const NE = 2;
const LT = 3;
const GT = 4;

/** struct xt_set_info */
function writeSet(o: Options, s: Struct, c: BytesContext, more = 0): void {
  if (o.matchSet === undefined) return;
  writeSetInfo(s, 0, bare(o.matchSet), c);
  s.setU8(3, s.u8(3) | (isNot(o.matchSet) ? INVERTED : 0) | more);
}
function readSet(s: Struct, c: BytesContext): Reading<Options> {
  return { matchSet: withNot(readSetInfo(s, 0, c), (s.u8(3) & INVERTED) !== 0) };
}

interface Comparison {
  readonly value: bigint;
  readonly op: number;
}
function comparison(eq: Not<bigint> | undefined, lt: bigint | undefined, gt: bigint | undefined): Comparison | undefined {
  if (eq !== undefined) return { value: bare(eq), op: isNot(eq) ? NE : EQ };
  if (lt !== undefined) return { value: lt, op: LT };
  return gt === undefined ? undefined : { value: gt, op: GT };
}
const packetsOf = (o: Options): Comparison | undefined => comparison(o.packetsEq, o.packetsLt, o.packetsGt);
const bytesOf = (o: Options): Comparison | undefined => comparison(o.bytesEq, o.bytesLt, o.bytesGt);

function readComparison(out: Reading<Options>, what: 'packets' | 'bytes', value: bigint, op: number): void {
  if (op === EQ || op === NE) out[`${what}Eq`] = withNot(value, op === NE);
  else if (op === LT) out[`${what}Lt`] = value;
  else if (op === GT) out[`${what}Gt`] = value;
  // The kernel takes any other for one that never holds.
  else if (op !== NONE) throw new ValueError(`no option stands for the comparison ${op}`);
}

function flagsOf(o: Options): number {
  const counters = (isNot(o.updateCounters) ? SKIP_COUNTER_UPDATE : 0) | (isNot(o.updateSubcounters) ? SKIP_SUBCOUNTER_UPDATE : 0);
  return counters | (o.returnNomatch === true ? RETURN_NOMATCH : 0);
}
function readFlags(out: Reading<Options>, flags: number): void {
  onlyBits(flags, SKIP_COUNTER_UPDATE | SKIP_SUBCOUNTER_UPDATE | RETURN_NOMATCH, 'the flags');
  if ((flags & RETURN_NOMATCH) !== 0) out.returnNomatch = true;
  if ((flags & SKIP_COUNTER_UPDATE) !== 0) out.updateCounters = { not: true };
  if ((flags & SKIP_SUBCOUNTER_UPDATE) !== 0) out.updateSubcounters = { not: true };
}

const plain = (o: Options): boolean => flagsOf(o) === 0 && packetsOf(o) === undefined && bytesOf(o) === undefined;

/** IPSET_MATCH_INV, with the first dimension of revision 0. */
const INV_V0 = 4;

export const set = match('set', {
  options,
  revisions: [
    {
      // struct xt_set_info_v0
      revision: 0,
      family: 'ip',
      size: 32,
      kernelPrivate: [[28, 32]],
      can: plain,
      write: (o, s, c) => {
        if (o.matchSet === undefined) return;
        writeSetInfoV0(s, 0, bare(o.matchSet), c);
        if (isNot(o.matchSet)) s.setU32(4, s.u32(4) | INV_V0);
      },
      read: (s, c) => ({ matchSet: withNot(readSetInfoV0(s, 0, c), (s.u32(4) & INV_V0) !== 0) }),
    },
    // struct xt_set_info_match_v1: struct xt_set_info match_set
    { revision: 1, size: 4, can: plain, write: (o, s, c) => writeSet(o, s, c), read: (s, c) => readSet(s, c) },
    {
      // The same, with a bit for --return-nomatch
      revision: 2,
      size: 4,
      can: (o) => plain(o.returnNomatch === true ? without(o, 'returnNomatch') : o),
      write: (o, s, c) => writeSet(o, s, c, o.returnNomatch === true ? RETURN_NOMATCH_V2 : 0),
      read: (s, c) => {
        const out = readSet(s, c);
        if ((s.u8(3) & RETURN_NOMATCH_V2) !== 0) out.returnNomatch = true;
        return out;
      },
    },
    {
      // struct xt_set_info_match_v3: match_set; struct ip_set_counter_match0 { __u8 op; __u64 value } packets, bytes; __u32 flags
      revision: 3,
      size: 48,
      write: (o, s, c) => {
        writeSet(o, s, c);
        writeComparison(s, 16, 8, packetsOf(o));
        writeComparison(s, 32, 24, bytesOf(o));
        s.setU32(40, flagsOf(o));
      },
      read: (s, c) => {
        const out = readSet(s, c);
        readFlags(out, s.u32(40));
        readComparison(out, 'packets', s.u64(16), s.u8(8));
        readComparison(out, 'bytes', s.u64(32), s.u8(24));
        return out;
      },
    },
    {
      // struct xt_set_info_match_v4: match_set; struct ip_set_counter_match { __u64 value; __u8 op } packets, bytes; __u32 flags
      revision: 4,
      size: 48,
      write: (o, s, c) => {
        writeSet(o, s, c);
        writeComparison(s, 8, 16, packetsOf(o));
        writeComparison(s, 24, 32, bytesOf(o));
        s.setU32(40, flagsOf(o));
      },
      read: (s, c) => {
        const out = readSet(s, c);
        readFlags(out, s.u32(40));
        readComparison(out, 'packets', s.u64(8), s.u8(16));
        readComparison(out, 'bytes', s.u64(24), s.u8(32));
        return out;
      },
    },
  ],
  list: (o, c) => listed(options, o, c),
  finish: (o) => {
    if (o.matchSet === undefined) throw new ValueError("You must specify `--match-set' with proper arguments");
    for (const what of ['packets', 'bytes'] as const) {
      const given = (['Eq', 'Lt', 'Gt'] as const).filter((op) => o[`${what}${op}`] !== undefined);
      if (given.length > 1) throw new ValueError(`only one of the --${what}-[eq|lt|gt] is allowed`);
    }
    // To update is the default.
    let out = o;
    if (out.updateCounters === true) out = without(out, 'updateCounters');
    if (out.updateSubcounters === true) out = without(out, 'updateSubcounters');
    return out;
  },
});

function writeComparison(s: Struct, value: number, op: number, c: Comparison | undefined): void {
  if (c === undefined) return;
  s.setU64(value, c.value);
  s.setU8(op, c.op);
}
