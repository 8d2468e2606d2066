// -m connbytes (linux/netfilter/xt_connbytes.h, struct xt_connbytes_info; libxt_connbytes.c).
import { isNot, match, notOption, option, type Value, ValueError } from './codec.ts';
import { rangeParts } from './number-range.ts';
import { oneOf } from './one-of.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { unsigned64 } from './values.ts';

/** From this number on, or the first and the last. */
export type Counts = bigint | readonly [from: bigint, to: bigint];

const U64_MAX = 0xffffffffffffffffn;
const counts: Value<Counts> = {
  parse: ([word], c) => {
    const [from, to = U64_MAX] = rangeParts(word as string, (part) => unsigned64.parse([part], c), 0n, U64_MAX);
    if (to < from) throw new ValueError(`${from} should be less than ${to}`);
    return to === U64_MAX ? from : [from, to];
  },
  format: (v) => [text(v)],
};
const text = (v: Counts): string => (typeof v === 'object' ? `${v[0]}:${v[1]}` : String(v));
const ends = (v: Counts): readonly [from: bigint, to: bigint] => (typeof v === 'object' ? v : [v, U64_MAX]);

/** enum xt_connbytes_what and xt_connbytes_direction, in their order. */
const modes = ['packets', 'bytes', 'avgpkt'] as const;
const directions = ['original', 'reply', 'both'] as const;

/** Offsets: __aligned_u64 from, to; __u8 what, direction. */
const FROM = 0;
const TO = 8;
const WHAT = 16;
const DIRECTION = 17;

export const connbytes = match('connbytes', {
  options: {
    connbytes: notOption(counts),
    'connbytes-mode': option(oneOf('connbytes-mode', modes)),
    'connbytes-dir': option(oneOf('connbytes-dir', directions)),
  },
  revisions: [
    {
      revision: 0,
      size: 24,
      // What is inverted ends before it begins.
      write: (o, s) => {
        const given = o.connbytes ?? 0n;
        const [from, to] = ends(bare(given));
        s.setU64(isNot(given) ? TO : FROM, from);
        s.setU64(isNot(given) ? FROM : TO, to);
        s.setU8(WHAT, modes.indexOf(o.connbytesMode ?? 'packets'));
        s.setU8(DIRECTION, directions.indexOf(o.connbytesDir ?? 'original'));
      },
      read: (s) => {
        const [from, to] = [s.u64(FROM), s.u64(TO)];
        const inverted = from > to;
        const [low, high] = inverted ? [to, from] : [from, to];
        const connbytesMode = modes[s.u8(WHAT)];
        const connbytesDir = directions[s.u8(DIRECTION)];
        if (connbytesMode === undefined) throw new ValueError(`no word stands for mode ${s.u8(WHAT)}`);
        if (connbytesDir === undefined) throw new ValueError(`no word stands for direction ${s.u8(DIRECTION)}`);
        return { connbytes: withNot<Counts>(high === U64_MAX ? low : [low, high], inverted), connbytesMode, connbytesDir };
      },
    },
  ],
  finish: (o) => {
    mandatory(o, 'connbytes', 'connbytesMode', 'connbytesDir');
    if (isNot(o.connbytes)) {
      const [from, to] = ends(bare(o.connbytes));
      // The real tools take it for `--connbytes` without the `!`.
      if (from === to) throw new ValueError(`"! --connbytes ${text(bare(o.connbytes))}": the kernel has no inversion of one number`);
    }
    return o;
  },
  list: (o) => {
    const given = o.connbytes ?? 0n;
    const not = isNot(given) ? ' !' : '';
    return `${not} connbytes ${text(bare(given))} connbytes mode ${o.connbytesMode} connbytes direction ${o.connbytesDir}`;
  },
});
