// -m connlabel (linux/netfilter/xt_connlabel.h, struct xt_connlabel_mtinfo; libxt_connlabel.c).
import { flag, isNot, match, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { connectionLabels, readableName } from './name-files.ts';
import { bare, mandatory, onlyBits, type Reading, withNot } from './option-values.ts';
import { parseUnsigned } from './values.ts';

/** What the field holds; that 127 is the last label (XT_CONNLABEL_MAXBIT) is the kernel's to say. */
const MAX_BIT = 0xffff;

/** A number, or a name of connlabel.conf, by which it is printed. */
const label: Value<number> = {
  parse: ([word]) => {
    const text = word as string;
    const bit = parseUnsigned(text, Number.MAX_SAFE_INTEGER) ?? connectionLabels().number(text);
    if (bit === undefined || bit > MAX_BIT) throw new ValueError(`label '${text}' not found or invalid value (0-${MAX_BIT})`);
    return bit;
  },
  format: (bit) => [readableName(connectionLabels(), bit) ?? String(bit)],
  quote: 'always',
};
const options = { label: notOption(label), set: flag() } as const;

/** Offsets: __u16 bit, options. */
const OPTIONS = 2;
const INVERT = 1 << 0;
const SET = 1 << 1;

export const connlabel = match('connlabel', {
  options,
  revisions: [
    {
      revision: 0,
      size: 4,
      write: (o, s) => {
        s.setU16(0, bare(o.label ?? 0));
        s.setU16(OPTIONS, (isNot(o.label) ? INVERT : 0) | (o.set === true ? SET : 0));
      },
      read: (s) => {
        const flags = onlyBits(s.u16(OPTIONS), INVERT | SET);
        const out: Reading<OptionsOf<typeof options>> = { label: withNot(s.u16(0), (flags & INVERT) !== 0) };
        if ((flags & SET) !== 0) out.set = true;
        return out;
      },
    },
  ],
  finish: (o) => {
    mandatory(o, 'label');
    return o;
  },
  list: (o, { numeric }) => {
    const bit = bare(o.label ?? 0);
    const name = numeric ? undefined : connectionLabels().name(bit);
    return ` connlabel${isNot(o.label) ? ' !' : ''} ${name === undefined ? bit : `'${name}'`}${o.set === true ? ' set' : ''}`;
  },
});
