// -m helper (linux/netfilter/xt_helper.h, struct xt_helper_info; libxt_helper.c).
import { isNot, match, notOption } from './codec.ts';
import { bare, endedText, mandatory, withNot } from './option-values.ts';
import { text } from './values.ts';

/** Offsets: int invert; char name[30]. No name is any helper. */
const NAME = 4;
const NAME_SIZE = 30;

export const helper = match('helper', {
  options: { helper: notOption(text(NAME_SIZE - 1)) },
  revisions: [
    {
      revision: 0,
      size: 36,
      write: (o, s) => {
        if (o.helper === undefined) return;
        s.setU32(0, isNot(o.helper) ? 1 : 0);
        s.setText(NAME, NAME_SIZE, bare(o.helper));
      },
      read: (s) => ({ helper: withNot(endedText(s, NAME, NAME_SIZE), s.u32(0) !== 0) }),
    },
  ],
  finish: (o) => {
    mandatory(o, 'helper');
    return o;
  },
  list: (o) => ` helper match ${isNot(o.helper) ? '! ' : ''}"${bare(o.helper ?? '')}"`,
});
