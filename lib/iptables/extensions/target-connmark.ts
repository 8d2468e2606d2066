// -j CONNMARK (linux/netfilter/xt_connmark.h; libxt_CONNMARK.c).
import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { exclusive, type Reading } from './option-values.ts';
import type { Struct } from './struct.ts';
import { MARK } from './target-mark.ts';
import { hex, unsigned } from './values.ts';

const ALL = 0xffffffff;
const mask: Value<number> = { parse: unsigned(ALL).parse, format: (n) => [hex(n)] };
/** The kernel takes up to 31; 32 is left to it to refuse, as the real tools do. */
const bits = unsigned(32);

const options = {
  ...MARK.options,
  'save-mark': flag(),
  'restore-mark': flag(),
  nfmask: option(mask),
  ctmask: option(mask),
  /** Both of them. */
  mask: option(mask),
  'left-shift-mark': option(bits),
  'right-shift-mark': option(bits),
};
type Options = OptionsOf<typeof options>;

/** XT_CONNMARK_*. */
const SET = 0;
const SAVE = 1;
const RESTORE = 2;
/** D_SHIFT_*. */
const LEFT = 0;
const RIGHT = 1;

const shifted = (o: Options): boolean => o.leftShiftMark !== undefined || o.rightShiftMark !== undefined;

/** Revisions 1 and 2 begin with __u32 ctmark, ctmask, nfmask. */
function write(o: Options, s: Struct, modeAt: number): void {
  s.setU32(0, o.setXmark?.value ?? 0);
  s.setU32(4, o.setXmark?.mask ?? o.ctmask ?? ALL);
  s.setU32(8, o.nfmask ?? ALL);
  s.setU8(modeAt, modeOf(o));
}
function modeOf(o: Options): number {
  return o.saveMark === true ? SAVE : o.restoreMark === true ? RESTORE : SET;
}
function read(s: Struct, modeAt: number): Reading<Options> {
  const mode = s.u8(modeAt);
  if (mode === SET) return { setXmark: { value: s.u32(0), mask: s.u32(4) } };
  return { ...copying(mode), nfmask: s.u32(8), ctmask: s.u32(4) };
}
function copying(mode: number): Pick<Options, 'saveMark' | 'restoreMark'> {
  if (mode === SAVE) return { saveMark: true };
  if (mode === RESTORE) return { restoreMark: true };
  throw new ValueError(`no option stands for the mode ${mode}`);
}
/** To set a mark asks for no mask of the packet's, to copy one asks for no mark. */
function canonical(s: Struct, modeAt: number): void {
  if (s.u8(modeAt) === SET) s.setU32(8, ALL);
  else s.setU32(0, 0);
}

export const CONNMARK = target('CONNMARK', {
  options,
  revisions: [
    {
      // struct xt_connmark_target_info of old kernels: unsigned long mark, mask; __u8 mode. It ors where the others xor.
      revision: 0,
      size: 24,
      can: (o) => !shifted(o) && o.nfmask === o.ctmask && (o.setXmark === undefined || (o.setXmark.value & ~o.setXmark.mask) === 0),
      write: (o, s) => {
        s.setU32(0, o.setXmark?.value ?? 0);
        s.setU32(8, o.setXmark?.mask ?? o.ctmask ?? ALL);
        s.setU8(16, modeOf(o));
      },
      read: (s) => {
        const value = s.u32(0);
        const mask = s.u32(8);
        if ((s.u32(4) | s.u32(12)) !== 0) throw new ValueError('no option stands for a mark of more than 32 bits');
        if (s.u8(16) === SET) return { setXmark: { value, mask: (mask | value) >>> 0 } };
        return { ...copying(s.u8(16)), nfmask: mask, ctmask: mask };
      },
    },
    {
      // struct xt_connmark_tginfo1: __u8 mode after the common fields
      revision: 1,
      size: 16,
      can: (o) => !shifted(o),
      write: (o, s) => write(o, s, 12),
      read: (s) => read(s, 12),
      canonical: (s) => canonical(s, 12),
    },
    {
      // struct xt_connmark_tginfo2: __u8 shift_dir, shift_bits, mode after the common fields
      revision: 2,
      size: 16,
      write: (o, s) => {
        write(o, s, 14);
        s.setU8(12, o.rightShiftMark === undefined ? LEFT : RIGHT);
        s.setU8(13, o.leftShiftMark ?? o.rightShiftMark ?? 0);
      },
      read: (s) => {
        const out = read(s, 14);
        const direction = s.u8(12);
        const count = s.u8(13);
        if (direction > RIGHT || count > 32) throw new ValueError(`no option stands for a shift by ${count} in direction ${direction}`);
        if (count !== 0) out[direction === LEFT ? 'leftShiftMark' : 'rightShiftMark'] = count;
        return out;
      },
      canonical: (s) => {
        canonical(s, 14);
        if (s.u8(13) === 0) s.setU8(12, LEFT);
      },
    },
  ],
  list: (o) => {
    const shift =
      o.leftShiftMark !== undefined
        ? ` left-shift-mark ${o.leftShiftMark}`
        : o.rightShiftMark !== undefined
          ? ` right-shift-mark ${o.rightShiftMark}`
          : '';
    return ` CONNMARK ${listOperation(o)}${shift}`;
  },
  finish: (o): Options => {
    const { setXmark, saveMark, restoreMark, mask, nfmask, ctmask, leftShiftMark, rightShiftMark } = o;
    const operations = [setXmark, saveMark, restoreMark].filter((operation) => operation !== undefined);
    if (operations.length === 0) throw new ValueError('No operation specified');
    if (operations.length > 1) throw new ValueError('to set a mark, --save-mark and --restore-mark cannot be used together');
    for (const key of ['nfmask', 'ctmask'] as const) exclusive(o, 'mask', key);
    exclusive(o, 'leftShiftMark', 'rightShiftMark');
    const shift = {
      ...(leftShiftMark === undefined || leftShiftMark === 0 ? {} : { leftShiftMark }),
      ...(rightShiftMark === undefined || rightShiftMark === 0 ? {} : { rightShiftMark }),
    };
    if (setXmark !== undefined) {
      // The real tools let them replace the mark's own mask, or not, by the order they are written in.
      if ((mask ?? nfmask ?? ctmask) !== undefined) throw new ValueError('a mask option needs --save-mark or --restore-mark');
      return { setXmark, ...shift };
    }
    return {
      ...(saveMark === undefined ? { restoreMark: true } : { saveMark }),
      nfmask: nfmask ?? mask ?? ALL,
      ctmask: ctmask ?? mask ?? ALL,
      ...shift,
    };
  },
});

function listOperation({ setXmark, saveMark, nfmask = ALL, ctmask = ALL }: Options): string {
  if (setXmark !== undefined) {
    const { value, mask } = setXmark;
    if (value === 0) return `and ${hex(~mask >>> 0)}`;
    if (value === mask) return `or ${hex(value)}`;
    if (mask === 0) return `xor ${hex(value)}`;
    return mask === ALL ? `set ${hex(value)}` : `xset ${hex(value)}/${hex(mask)}`;
  }
  const what = saveMark === true ? 'save' : 'restore';
  if (nfmask === ctmask) return nfmask === ALL ? what : `${what} mask ${hex(nfmask)}`;
  const [from, to] = [`nfmask ${saveMark === true ? '' : '~'}${hex(nfmask)}`, `ctmask ${saveMark === true ? '~' : ''}${hex(ctmask)}`];
  return saveMark === true ? `${what} ${from} ${to}` : `${what} ${to} ${from}`;
}
