// -j CLASSIFY (linux/netfilter/xt_CLASSIFY.h; libxt_CLASSIFY.c).
import { option, target, type Value, ValueError } from './codec.ts';
import { mandatory } from './option-values.ts';

/** A class of tc(8), each part of 16 bits. */
export interface TcClass {
  readonly major: number;
  readonly minor: number;
}

/** Hex, with or without 0x. The real tools cut longer numbers and what follows them off without a word; that is refused here. */
const tcClass: Value<TcClass> = {
  parse: ([word]) => {
    const [, major = '', minor = ''] = /^\+?(?:0x)?0*([0-9a-f]{1,4}):\+?(?:0x)?0*([0-9a-f]{1,4})$/i.exec(word as string) ?? [];
    if (major === '' || minor === '') throw new ValueError(`Bad class value "${word}"`);
    return { major: Number.parseInt(major, 16), minor: Number.parseInt(minor, 16) };
  },
  format: ({ major, minor }) => [`${hex4(major)}:${hex4(minor)}`],
};

function hex4(n: number): string {
  return n.toString(16).padStart(4, '0');
}

export const CLASSIFY = target('CLASSIFY', {
  options: { 'set-class': option(tcClass) },
  revisions: [
    {
      // struct xt_classify_target_info: __u32 priority, the major number in its upper half
      revision: 0,
      size: 4,
      write: (o, s) => {
        if (o.setClass === undefined) return;
        s.setU16(0, o.setClass.minor);
        s.setU16(2, o.setClass.major);
      },
      read: (s) => ({ setClass: { major: s.u16(2), minor: s.u16(0) } }),
    },
  ],
  list: ({ setClass }) => (setClass === undefined ? '' : ` CLASSIFY set ${setClass.major.toString(16)}:${setClass.minor.toString(16)}`),
  finish: (o) => {
    mandatory(o, 'setClass');
    return o;
  },
});
