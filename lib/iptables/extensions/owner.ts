// -m owner (linux/netfilter/xt_owner.h; libxt_owner.c).
import { flag, isNot, match, notFlag, notOption, type OptionsOf, type Revision, type Value, ValueError } from './codec.ts';
import { groups, type Names, users } from './name-files.ts';
import { type NumberRange, rangeEnds } from './number-range.ts';
import { bare, notEmpty, onlyBits, type Reading, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { parseUnsigned } from './values.ts';

/** The kernel keeps the highest id for none. */
const ID_MAX = 0xfffffffe;

/** A name, an id, or `first-last`; one that ends before it begins is the kernel's to refuse. */
function ids(what: string, names: () => Names): Value<NumberRange> {
  const id = (word: string, part: string): number => {
    const n = parseUnsigned(part, ID_MAX);
    if (n === undefined) throw new ValueError(`"${word}" is no ${what}, and no id or range of ids (0-${ID_MAX})`);
    return n;
  };
  return {
    parse: ([word]) => {
      const text = word as string;
      const named = names().number(text);
      if (named !== undefined) return named;
      const between = text.search(/[-:]/);
      if (between < 0) return id(text, text);
      const [first, last] = [id(text, text.slice(0, between)), id(text, text.slice(between + 1))];
      return first === last ? first : [first, last];
    },
    format: (v) => [typeof v === 'number' ? String(v) : `${v[0]}-${v[1]}`],
  };
}

const uid = ids('user', users);
const gid = ids('group', groups);
/** In the order the save commands print. */
const options = {
  'socket-exists': notFlag(),
  'uid-owner': notOption(uid),
  'gid-owner': notOption(gid),
  'suppl-groups': { ...flag(), after: 'gid-owner' },
} as const;
type Options = OptionsOf<typeof options>;

/** XT_OWNER_*. */
const UID = 1 << 0;
const GID = 1 << 1;
const SOCKET = 1 << 2;
const SUPPL_GROUPS = 1 << 3;
const inverting = [
  { key: 'uidOwner', bit: UID },
  { key: 'gidOwner', bit: GID },
  { key: 'socketExists', bit: SOCKET },
] as const;

function bitsOf(o: Options): { readonly match: number; readonly invert: number } {
  let match = o.supplGroups === true ? SUPPL_GROUPS : 0;
  let invert = 0;
  for (const { key, bit } of inverting) {
    if (o[key] !== undefined) match |= bit;
    if (isNot(o[key])) invert |= bit;
  }
  return { match, invert };
}
function range(first: number, last: number): NumberRange {
  if (first > ID_MAX || last > ID_MAX) throw new ValueError(`no option stands for the id ${Math.max(first, last)}`);
  return first === last ? first : [first, last];
}

/** struct ipt_owner_info, ip6t_owner_info of long ago: __u32 uid, gid, pid, sid; for IPv4 char comm[16]; __u8 match, invert. */
function single(family: 'ip' | 'ip6', matchAt: number): Revision<Options> {
  return {
    revision: 0,
    family,
    size: matchAt + 4,
    can: (o) => (bitsOf(o).match & ~(UID | GID)) === 0 && [o.uidOwner, o.gidOwner].every((v) => typeof bare(v) !== 'object'),
    write: (o, s) => {
      const { match, invert } = bitsOf(o);
      if (o.uidOwner !== undefined) s.setU32(0, rangeEnds(bare(o.uidOwner))[0]);
      if (o.gidOwner !== undefined) s.setU32(4, rangeEnds(bare(o.gidOwner))[0]);
      s.setU8(matchAt, match);
      s.setU8(matchAt + 1, invert);
    },
    // Its other bits ask for processes, sessions and commands, which kernels gave up.
    read: (s) => {
      const match = onlyBits(s.u8(matchAt), UID | GID);
      return read(match, onlyBits(s.u8(matchAt + 1), match), range(s.u32(0), s.u32(0)), range(s.u32(4), s.u32(4)));
    },
  };
}

function read(match: number, invert: number, uids: NumberRange, gids: NumberRange): Options {
  const out: Reading<Options> = {};
  if ((match & SOCKET) !== 0) out.socketExists = withNot<true>(true, (invert & SOCKET) !== 0);
  if ((match & UID) !== 0) out.uidOwner = withNot(uids, (invert & UID) !== 0);
  if ((match & GID) !== 0) out.gidOwner = withNot(gids, (invert & GID) !== 0);
  if ((match & SUPPL_GROUPS) !== 0) {
    if ((match & GID) === 0) throw new ValueError('supplementary groups without a group');
    out.supplGroups = true;
  }
  return notEmpty(out);
}

/** struct xt_owner_match_info: __u32 uid_min, uid_max, gid_min, gid_max; __u8 match, invert. */
function writeRanges(o: Options, s: Struct): void {
  const { match, invert } = bitsOf(o);
  for (const [at, value] of [
    [0, o.uidOwner],
    [8, o.gidOwner],
  ] as const) {
    if (value === undefined) continue;
    const [first, last] = rangeEnds(bare(value));
    s.setU32(at, first);
    s.setU32(at + 4, last);
  }
  s.setU8(16, match);
  s.setU8(17, invert);
}

function listIds(label: string, option: Options['uidOwner'], names: Names | undefined): string {
  if (option === undefined) return '';
  const value = bare<NumberRange>(option);
  const text = typeof value === 'number' ? (names?.name(value) ?? value) : `${value[0]}-${value[1]}`;
  return `${isNot(option) ? ' !' : ''} owner ${label} match ${text}`;
}

export const owner = match('owner', {
  options,
  revisions: [
    single('ip', 32),
    single('ip6', 16),
    {
      revision: 1,
      size: 20,
      write: writeRanges,
      read: (s) => {
        const match = onlyBits(s.u8(16), UID | GID | SOCKET | SUPPL_GROUPS);
        const invert = onlyBits(s.u8(17), match & ~SUPPL_GROUPS);
        const ids = (bit: number, at: number): NumberRange => ((match & bit) === 0 ? 0 : range(s.u32(at), s.u32(at + 4)));
        return read(match, invert, ids(UID, 0), ids(GID, 8));
      },
    },
  ],
  finish: (o) => {
    if (o.supplGroups === true && o.gidOwner === undefined) throw new ValueError('"--suppl-groups": you need to use --gid-owner first');
    if (inverting.every(({ key }) => o[key] === undefined))
      throw new ValueError('At least one of --uid-owner, --gid-owner or --socket-exists is required');
    return o;
  },
  list: (o, { numeric }) => {
    const socket = o.socketExists === undefined ? '' : `${isNot(o.socketExists) ? ' !' : ''} owner socket exists`;
    const uids = listIds('UID', o.uidOwner, numeric ? undefined : users());
    const gids = listIds('GID', o.gidOwner, numeric ? undefined : groups());
    return `${socket}${uids}${gids}${o.supplGroups === true ? ' incl. suppl. groups' : ''}`;
  },
});
