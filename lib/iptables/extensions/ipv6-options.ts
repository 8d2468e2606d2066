// What hbh and dst have alike: the options of an IPv6 hop-by-hop or destination header (linux/netfilter_ipv6/ip6t_opts.h, struct
// ip6t_opts; libip6t_hbh.c, libip6t_dst.c).
import { isNot, type Not, type Revision, type Value, ValueError } from './codec.ts';
import { bare, withNot } from './option-values.ts';
import { checkFlags, flagsOf } from './struct-flags.ts';
import { parseUnsigned } from './values.ts';

/** An option of the header; without a length, of any. */
export interface HeaderOption {
  readonly type: number;
  readonly length?: number;
}

/** IP6T_OPTS_OPTSNR. */
const COUNT = 16;
/** In the struct: any length. */
const ANY_LENGTH = 255;

function number(text: string, what: 'opt' | 'length'): number {
  const n = parseUnsigned(text, 255);
  if (n === undefined) throw new ValueError(`error parsing ${what} \`${text}'`);
  return n;
}
function check({ type, length }: HeaderOption, at: number): HeaderOption {
  if (length === undefined || length === ANY_LENGTH) return { type };
  if (type === 0) throw new ValueError('PAD0 has not got length');
  if (at === COUNT - 1) throw new ValueError('the last of 16 options cannot have a length');
  return { type, length };
}

/** `type[:length],…`. The real tools keep the low eight bits of larger numbers; those are refused here. */
export const headerOptions: Value<readonly HeaderOption[]> = {
  parse: ([word]) => {
    const list = (word as string).split(',');
    if (list.length > COUNT) throw new ValueError('too many options specified');
    return list.map((text, at) => {
      const colon = text.indexOf(':');
      if (colon < 0) return check({ type: number(text, 'opt') }, at);
      return check({ type: number(text.slice(0, colon), 'opt'), length: number(text.slice(colon + 1), 'length') }, at);
    });
  },
  format: (list) => [list.map(({ type, length }) => (length === undefined ? type : `${type}:${length}`)).join(',')],
};

export interface OptionsHeader {
  readonly len: Not<number> | undefined;
  readonly opts: readonly HeaderOption[] | undefined;
}

/** IP6T_OPTS_*; the bit for --…-not-strict no kernel takes. */
const LEN = 0x01;
const OPTS = 0x02;
/** __u32 hdrlen; __u8 flags, invflags; __u16 opts[16], type << 8 | length; __u8 optsnr */
const HEADER = { length: 0, flags: 4, invert: 5, options: 6, count: 38, size: 40 } as const;

export function headerRevision<O>(headerOf: (o: O) => OptionsHeader, optionsOf: (header: OptionsHeader) => O): Revision<O> {
  return {
    revision: 0,
    size: HEADER.size,
    write: (o, s) => {
      const { len, opts } = headerOf(o);
      s.setU32(HEADER.length, bare<number>(len ?? 0));
      for (const [i, { type, length }] of (opts ?? []).entries()) s.setU16(HEADER.options + 2 * i, (type << 8) | (length ?? ANY_LENGTH));
      s.setU8(HEADER.count, opts?.length ?? 0);
      const { flags, inverted } = flagsOf([
        [len, LEN],
        [opts, OPTS],
      ]);
      s.setU8(HEADER.flags, flags);
      s.setU8(HEADER.invert, inverted);
    },
    read: (s) => {
      const flags = s.u8(HEADER.flags);
      const inverted = s.u8(HEADER.invert);
      checkFlags(flags, LEN | OPTS, inverted, LEN);
      const count = s.u8(HEADER.count);
      if ((flags & OPTS) !== 0 && (count === 0 || count > COUNT)) throw new ValueError(`no option stands for ${count} options`);
      const optionAt = (i: number): HeaderOption => {
        const option = s.u16(HEADER.options + 2 * i);
        return check({ type: option >> 8, length: option & 0xff }, i);
      };
      return optionsOf({
        len: (flags & LEN) === 0 ? undefined : withNot(s.u32(HEADER.length), inverted !== 0),
        opts: (flags & OPTS) === 0 ? undefined : Array.from({ length: count }, (_, i) => optionAt(i)),
      });
    },
  };
}

export function listHeader(name: 'hbh' | 'dst', { len, opts }: OptionsHeader): string {
  const length = len === undefined ? '' : ` length:${isNot(len) ? '!' : ''}${bare<number>(len)}`;
  const list = opts?.map((o) => (o.length === undefined ? o.type : `${o.type}:${o.length}`)).join(',');
  return ` ${name}${length}${list === undefined ? '' : ` opts ${list}`}`;
}
