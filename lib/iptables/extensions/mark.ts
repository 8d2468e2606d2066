// -m mark (linux/netfilter/xt_mark.h; libxt_mark.c).
import { isNot, match, type Not, notOption, type Revision, ValueError } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { type Marked, marked, markText } from './values.ts';

/** Offsets in struct xt_mark_mtinfo1: __u32 mark, mask; __u8 invert. */
export const MARK = { mark: 0, mask: 4, invert: 8, size: 12 } as const;

interface MarkOptions {
  readonly mark?: Not<Marked>;
}
/** -m connmark has the same structs. */
export const markRevisions: readonly Revision<MarkOptions>[] = [
  {
    // struct xt_mark_info, xt_connmark_info: unsigned long mark, mask; __u8 invert
    revision: 0,
    size: 24,
    write: (o, s) => {
      if (o.mark === undefined) return;
      const m = bare(o.mark);
      s.setU64(0, BigInt(m.value));
      s.setU64(8, BigInt(m.mask));
      s.setU8(16, isNot(o.mark) ? 1 : 0);
    },
    read: (s) => {
      // A packet's mark has 32 bits: the upper half of the mask says nothing, that of the mark that nothing matches.
      if (s.u32(4) !== 0) throw new ValueError('a mark has more than 32 bits');
      return { mark: withNot({ value: s.u32(0), mask: s.u32(8) }, s.u8(16) !== 0) };
    },
  },
  {
    // struct xt_mark_mtinfo1, xt_connmark_mtinfo1
    revision: 1,
    size: MARK.size,
    write: (o, s) => {
      if (o.mark === undefined) return;
      const m = bare(o.mark);
      s.setU32(MARK.mark, m.value);
      s.setU32(MARK.mask, m.mask);
      s.setU8(MARK.invert, isNot(o.mark) ? 1 : 0);
    },
    read: (s) => ({ mark: withNot({ value: s.u32(MARK.mark), mask: s.u32(MARK.mask) }, s.u8(MARK.invert) !== 0) }),
  },
];

export const mark = match('mark', {
  options: { mark: notOption(marked) },
  revisions: markRevisions,
  list: (o) => (o.mark === undefined ? '' : ` mark match ${isNot(o.mark) ? '! ' : ''}${markText(bare(o.mark))}`),
  finish: (o) => {
    mandatory(o, 'mark');
    return o;
  },
});
