// -m rpfilter (linux/netfilter/xt_rpfilter.h, struct xt_rpfilter_info; libxt_rpfilter.c).
import { flag, match, type OptionsOf, ValueError } from './codec.ts';
import { listed } from './listed.ts';
import type { Reading } from './option-values.ts';

const options = { loose: flag(), validmark: flag(), 'accept-local': flag(), invert: flag() } as const;
type Options = OptionsOf<typeof options>;

/** XT_RPFILTER_*. */
const flags = [
  { key: 'loose', bit: 1 },
  { key: 'validmark', bit: 2 },
  { key: 'acceptLocal', bit: 4 },
  { key: 'invert', bit: 8 },
] as const;
const KNOWN = 0xf;

export const rpfilter = match('rpfilter', {
  options,
  revisions: [
    {
      // __u8 flags
      revision: 0,
      size: 1,
      write: (o, s) => {
        for (const { key, bit } of flags) if (o[key] === true) s.setU8(0, s.u8(0) | bit);
      },
      read: (s) => {
        const bits = s.u8(0);
        if ((bits & ~KNOWN) !== 0) throw new ValueError(`no option stands for flags ${bits}`);
        const out: Reading<Options> = {};
        for (const { key, bit } of flags) if ((bits & bit) !== 0) out[key] = true;
        return out;
      },
    },
  ],
  list: (o, c) => ` rpfilter${listed(options, o, c)}`,
});
