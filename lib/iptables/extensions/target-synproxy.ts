// -j SYNPROXY (linux/netfilter/xt_SYNPROXY.h; libxt_SYNPROXY.c). That it needs -p tcp is the kernel's to say.
import { flag, type OptionsOf, option, target, ValueError } from './codec.ts';
import { unsigned } from './values.ts';

/** The real tools take larger numbers and write their last bits; they are refused here. */
const options = {
  'sack-perm': flag(),
  timestamp: flag(),
  wscale: option(unsigned(0xff)),
  mss: option(unsigned(0xffff)),
  ecn: flag(),
};
type Options = OptionsOf<typeof options>;

/** NF_SYNPROXY_OPT_*, in the order they are printed. */
const bits = [
  { key: 'sackPerm', bit: 0x04, word: 'sack-perm' },
  { key: 'timestamp', bit: 0x08, word: 'timestamp' },
  { key: 'wscale', bit: 0x02, word: 'wscale' },
  { key: 'mss', bit: 0x01, word: 'mss' },
  { key: 'ecn', bit: 0x10, word: 'ecn' },
] as const;

export const SYNPROXY = target('SYNPROXY', {
  options,
  revisions: [
    {
      // struct nf_synproxy_info: __u8 options, wscale; __u16 mss
      revision: 0,
      size: 4,
      write: (o, s) => {
        s.setU8(
          0,
          bits.reduce((sum, { key, bit }) => sum | (o[key] === undefined ? 0 : bit), 0),
        );
        s.setU8(1, o.wscale ?? 0);
        s.setU16(2, o.mss ?? 0);
      },
      read: (s): Options => {
        const set = s.u8(0);
        if (set > 0x1f) throw new ValueError(`no option stands for the options 0x${set.toString(16)}`);
        const values = { sackPerm: true, timestamp: true, wscale: s.u8(1), mss: s.u16(2), ecn: true } as const;
        return Object.fromEntries(bits.filter(({ bit }) => (set & bit) !== 0).map(({ key }) => [key, values[key]]));
      },
    },
  ],
  list: (o) => {
    const words = bits.map(({ key, word }) => (o[key] === undefined ? '' : o[key] === true ? `${word} ` : `${word} ${o[key]} `));
    return ` SYNPROXY ${words.join('')}`;
  },
});
