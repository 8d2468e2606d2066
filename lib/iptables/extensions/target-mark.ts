// -j MARK (linux/netfilter/xt_mark.h, struct xt_mark_tginfo2; libxt_MARK.c). The kernel does mark = (mark & ~mask) ^ value.
// Revisions 0 and 1 are of kernels before 2.6.37 and are only read.
import { option, type Revision, spelling, target, type Value, ValueError } from './codec.ts';
import type { Struct } from './struct.ts';
import { hex, type Marked, marked, unsigned } from './values.ts';

const u32 = unsigned(0xffffffff);
/** Always with its mask, even all ones. */
const xmark: Value<Marked> = { parse: marked.parse, format: ({ value, mask }) => [`${hex(value)}/${hex(mask)}`] };
/** --set-mark clears the mask's bits and ors the value: bits of the value outside the mask are set too. */
const setMark: Value<Marked> = {
  parse: (words, c) => {
    const { value, mask } = marked.parse(words, c);
    return { value, mask: (value | mask) >>> 0 };
  },
  format: xmark.format,
};
const of = (build: (n: number) => Marked): Value<Marked> => ({ parse: (words, c) => build(u32.parse(words, c)), format: xmark.format });

const XT_MARK_AND = 1;
const XT_MARK_OR = 2;
/** What --set-mark, --and-mark and --or-mark of `mark` are as --set-xmark. */
function ofMode(s: Struct, mode: number): Marked {
  const mark = s.u32(0);
  if (s.u32(4) !== 0) throw new ValueError('no option stands for a mark of more than 32 bits');
  if (mode > XT_MARK_OR) throw new ValueError(`no option stands for mode ${mode}`);
  if (mode === XT_MARK_AND) return { value: 0, mask: ~mark >>> 0 };
  return { value: mark, mask: mode === XT_MARK_OR ? mark : 0xffffffff };
}
/** By the first of the tools' words that says the same. */
function list({ value, mask }: Marked): string {
  if (value === 0) return `and ${hex(~mask >>> 0)}`;
  if (value === mask) return `or ${hex(value)}`;
  if (mask === 0) return `xor ${hex(value)}`;
  return mask === 0xffffffff ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`;
}

const readOnly: Pick<Revision<unknown>, 'can' | 'write'> = {
  can: () => false,
  write: () => {
    throw new ValueError('this revision is only read');
  },
};

export const MARK = target('MARK', {
  options: {
    'set-xmark': option(xmark),
    'set-mark': spelling('set-xmark', option(setMark)),
    'and-mark': spelling('set-xmark', option(of((n) => ({ value: 0, mask: ~n >>> 0 })))),
    'or-mark': spelling('set-xmark', option(of((n) => ({ value: n, mask: n })))),
    'xor-mark': spelling('set-xmark', option(of((n) => ({ value: n, mask: 0 })))),
  },
  revisions: [
    // struct xt_mark_target_info: unsigned long mark
    { ...readOnly, revision: 0, size: 8, read: (s) => ({ setXmark: ofMode(s, 0) }) },
    // struct xt_mark_target_info_v1: unsigned long mark; __u8 mode
    { ...readOnly, revision: 1, size: 16, read: (s) => ({ setXmark: ofMode(s, s.u8(8)) }) },
    {
      // __u32 mark, mask
      revision: 2,
      size: 8,
      write: (o, s) => {
        s.setU32(0, o.setXmark?.value ?? 0);
        s.setU32(4, o.setXmark?.mask ?? 0);
      },
      read: (s) => ({ setXmark: { value: s.u32(0), mask: s.u32(4) } }),
    },
  ],
  list: (o) => (o.setXmark === undefined ? '' : ` MARK ${list(o.setXmark)}`),
  finish: (o) => {
    if (o.setXmark === undefined) throw new ValueError('one of the --set-xmark, --{and,or,xor,set}-mark options is required');
    return o;
  },
});
