// -j CONNSECMARK (linux/netfilter/xt_CONNSECMARK.h; libxt_CONNSECMARK.c).
import { flag, type OptionsOf, target, ValueError } from './codec.ts';
import { exclusive } from './option-values.ts';

const options = { save: flag(), restore: flag() };

const SAVE = 1;
const RESTORE = 2;

export const CONNSECMARK = target('CONNSECMARK', {
  options,
  revisions: [
    {
      // struct xt_connsecmark_target_info: __u8 mode
      revision: 0,
      size: 1,
      write: (o, s) => s.setU8(0, o.save === true ? SAVE : RESTORE),
      read: (s): OptionsOf<typeof options> => {
        const mode = s.u8(0);
        if (mode !== SAVE && mode !== RESTORE) throw new ValueError(`no option stands for the mode ${mode}`);
        return mode === SAVE ? { save: true } : { restore: true };
      },
    },
  ],
  list: (o) => ` CONNSECMARK ${o.save === true ? 'save' : 'restore'}`,
  finish: (o) => {
    if (o.save === undefined && o.restore === undefined) throw new ValueError('parameter required');
    exclusive(o, 'save', 'restore');
    return o;
  },
});
