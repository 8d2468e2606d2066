// -j CT (linux/netfilter/xt_CT.h; libxt_CT.c).
import { flag, type OptionsOf, option, type Revision, target, type Value, ValueError } from './codec.ts';
import { endedText, without } from './option-values.ts';
import type { Struct } from './struct.ts';
import { name, parseUnsigned } from './values.ts';

/** Bits of enum ip_conntrack_events (linux/netfilter/nf_conntrack_common.h), in their order. */
const events = ['new', 'related', 'destroy', 'reply', 'assured', 'protoinfo', 'helper', 'mark', 'natseqinfo', 'secmark'] as const;
/** Bits of the kernel's enum ip_conntrack_expect_events. */
const expectEvents = ['new'] as const;
export type CtEvent = (typeof events)[number];

/** Names with commas; in the order of `names` whatever the order written. */
function list<T extends string>(names: readonly T[]): Value<readonly T[]> {
  return {
    parse: ([word]) => {
      const words = (word as string).split(',');
      const unknown = words.find((w) => !(names as readonly string[]).includes(w));
      if (unknown !== undefined) throw new ValueError(`unknown event type "${unknown}"`);
      return names.filter((name) => words.includes(name));
    },
    format: (list) => [list.join(',')],
  };
}
function bits<T extends string>(names: readonly T[], list: readonly T[] = []): number {
  return list.reduce((sum, name) => {
    const at = names.indexOf(name);
    if (at < 0) throw new ValueError(`unknown event type "${name}"`);
    return sum | (1 << at);
  }, 0);
}
function fromBits<T extends string>(names: readonly T[], set: number): readonly T[] {
  if (set >>> names.length !== 0) throw new ValueError(`no option stands for the events 0x${set.toString(16)}`);
  return names.filter((_, at) => (set & (1 << at)) !== 0);
}

/** An id, or the packet's mark. */
const zone: Value<number | 'mark'> = {
  parse: ([word]) => {
    if ((word as string).toLowerCase() === 'mark') return 'mark';
    const id = parseUnsigned(word as string, 0xffff);
    if (id === undefined) throw new ValueError(`cannot parse ${word} as a zone ID`);
    return id;
  },
  format: (id) => [String(id)],
};

const HELPER_SIZE = 16;
const TIMEOUT_SIZE = 32;

const options = {
  notrack: flag(),
  helper: option(name(HELPER_SIZE - 1)),
  timeout: option(name(TIMEOUT_SIZE - 1)),
  ctevents: option(list(events)),
  expevents: option(list(expectEvents)),
  zone: option(zone),
  'zone-orig': option(zone),
  'zone-reply': option(zone),
};
type Options = OptionsOf<typeof options>;

const XT_CT_NOTRACK = 1 << 0;
const XT_CT_ZONE_DIR_ORIG = 1 << 2;
const XT_CT_ZONE_DIR_REPL = 1 << 3;
const XT_CT_ZONE_MARK = 1 << 4;
const ZONE_DIR = XT_CT_ZONE_DIR_ORIG | XT_CT_ZONE_DIR_REPL;

/** The struct has one zone: for both directions as --zone (both bits or none are the same), else for the one. */
function canonicalZone(o: Options): Pick<Options, 'zone' | 'zoneOrig' | 'zoneReply'> {
  const given = [o.zone, o.zoneOrig, o.zoneReply].filter((z) => z !== undefined);
  const [id] = given;
  if (given.some((z) => z !== id)) throw new ValueError('one rule has one zone');
  if (id === undefined) return {};
  // A direction narrows --zone down; that is how the real tools take both. Zone 0 is where packets are anyway.
  if ((o.zoneOrig === undefined) === (o.zoneReply === undefined)) return id === 0 ? {} : { zone: id };
  return o.zoneOrig === undefined ? { zoneReply: id } : { zoneOrig: id };
}
function zoneFlags(o: Options): number {
  const { zone, zoneOrig, zoneReply } = canonicalZone(o);
  const direction = zoneOrig === undefined ? (zoneReply === undefined ? 0 : XT_CT_ZONE_DIR_REPL) : XT_CT_ZONE_DIR_ORIG;
  return direction | ((zone ?? zoneOrig ?? zoneReply) === 'mark' ? XT_CT_ZONE_MARK : 0);
}
function readZone(flags: number, id: number): Pick<Options, 'zone' | 'zoneOrig' | 'zoneReply'> {
  const zone = (flags & XT_CT_ZONE_MARK) === 0 ? id : 'mark';
  const direction = flags & ZONE_DIR;
  return canonicalZone(
    direction === XT_CT_ZONE_DIR_ORIG ? { zoneOrig: zone } : direction === XT_CT_ZONE_DIR_REPL ? { zoneReply: zone } : { zone },
  );
}

/**
 * Every revision reads the first 32 bytes back and zeroes after them: the kernel gives the usersize of revision 0 for all
 * (xt_ct_tg_reg), so a timeout's name longer than four bytes comes back cut.
 *
 * __u16 flags, zone; __u32 ct_events, exp_events; char helper[16]; from revision 1 char timeout[32]. */
function write(o: Options, s: Struct, timeouts: boolean): void {
  const { zone, zoneOrig, zoneReply } = canonicalZone(o);
  const id = zone ?? zoneOrig ?? zoneReply;
  s.setU16(0, (o.notrack === true ? XT_CT_NOTRACK : 0) | zoneFlags(o));
  s.setU16(2, typeof id === 'number' ? id : 0);
  s.setU32(4, bits(events, o.ctevents));
  s.setU32(8, bits(expectEvents, o.expevents));
  s.setText(12, HELPER_SIZE, o.helper ?? '');
  if (timeouts) s.setText(28, TIMEOUT_SIZE, o.timeout ?? '');
}
function read(s: Struct, timeouts: boolean, known: number): Options {
  const flags = s.u16(0);
  if ((flags & ~known) !== 0) throw new ValueError(`no option stands for the flags 0x${(flags & ~known).toString(16)}`);
  const helper = endedText(s, 12, HELPER_SIZE);
  const timeout = timeouts ? endedText(s, 28, TIMEOUT_SIZE) : '';
  const ctevents = fromBits(events, s.u32(4));
  const expevents = fromBits(expectEvents, s.u32(8));
  return {
    ...((flags & XT_CT_NOTRACK) === 0 ? {} : { notrack: true }),
    ...(helper === '' ? {} : { helper }),
    ...(timeout === '' ? {} : { timeout }),
    ...(ctevents.length === 0 ? {} : { ctevents }),
    ...(expevents.length === 0 ? {} : { expevents }),
    ...readZone(flags, s.u16(2)),
  };
}

/** The direction of zone 0 is in the struct, and the save commands are silent about it. */
function shown(o: Options): Options {
  return o.zoneOrig === 0 || o.zoneReply === 0 ? without(o, 'zoneOrig', 'zoneReply') : o;
}

/** Option and value as in save text, without the dashes. */
function listed(o: Options): string {
  const { notrack, helper, timeout, ctevents, expevents, zone, zoneOrig, zoneReply } = shown(o);
  const values = [
    ['helper', helper],
    ['timeout', timeout],
    ['ctevents', ctevents?.join(',')],
    ['expevents', expevents?.join(',')],
    ['zone', zone],
    ['zone-orig', zoneOrig],
    ['zone-reply', zoneReply],
  ] as const;
  return ` CT${notrack === true ? ' notrack' : ''}${values.map(([word, value]) => (value === undefined ? '' : ` ${word} ${value}`)).join('')}`;
}

/** The kernel takes zone bits from revision 2 on (xt_ct_tg_check). */
const plainFlags = (o: Options): boolean => zoneFlags(o) === 0;
const revisions: readonly Revision<Options>[] = [
  {
    // struct xt_ct_target_info
    revision: 0,
    size: 40,
    kernelPrivate: [[32, 40]],
    write: (o, s) => write(o, s, false),
    read: (s) => read(s, false, XT_CT_NOTRACK),
    can: (o) => o.timeout === undefined && plainFlags(o),
  },
  {
    // struct xt_ct_target_info_v1
    revision: 1,
    size: 72,
    kernelPrivate: [[64, 72]],
    write: (o, s) => write(o, s, true),
    read: (s) => read(s, true, XT_CT_NOTRACK),
    can: plainFlags,
  },
  {
    // struct xt_ct_target_info_v1 again
    revision: 2,
    size: 72,
    kernelPrivate: [[64, 72]],
    write: (o, s) => write(o, s, true),
    read: (s) => read(s, true, XT_CT_NOTRACK | ZONE_DIR | XT_CT_ZONE_MARK),
    // Both directions are what none is, and zone 0 is where packets are anyway.
    canonical: (s) => {
      const flags = s.u16(0);
      const noZone = s.u16(2) === 0 && (flags & XT_CT_ZONE_MARK) === 0;
      if (noZone || (flags & ZONE_DIR) === ZONE_DIR) s.setU16(0, flags & ~ZONE_DIR);
    },
  },
];

export const CT = target('CT', {
  options,
  revisions,
  shown,
  list: listed,
  finish: ({ zone, zoneOrig, zoneReply, helper = '', timeout = '', ...others }) => ({
    ...others,
    ...(helper === '' ? {} : { helper }),
    ...(timeout === '' ? {} : { timeout }),
    ...canonicalZone({
      ...(zone === undefined ? {} : { zone }),
      ...(zoneOrig === undefined ? {} : { zoneOrig }),
      ...(zoneReply === undefined ? {} : { zoneReply }),
    }),
  }),
});
