// -m mac (linux/netfilter/xt_mac.h, struct xt_mac_info; libxt_mac.c).
import { isNot, match, notOption, type Value, ValueError } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';

const BYTES = 6;

/** Six groups of up to two hex digits; a group without any is 0. */
const address: Value<string> = {
  parse: ([word]) => {
    const groups = (word as string).split(':');
    if (groups.length !== BYTES || groups.some((g) => !/^[0-9a-f]{0,2}$/i.test(g))) throw new ValueError('Invalid MAC address specified');
    return groups.map((g) => g.toLowerCase().padStart(2, '0')).join(':');
  },
  format: (v) => [v],
};

/** Offset behind unsigned char srcaddr[6]: int invert. */
const INVERT = 8;

export const mac = match('mac', {
  options: { 'mac-source': notOption(address) },
  revisions: [
    {
      revision: 0,
      size: 12,
      write: (o, s) => {
        if (o.macSource === undefined) return;
        const bytes = bare(o.macSource).split(':');
        for (const [i, byte] of bytes.entries()) s.setU8(i, Number.parseInt(byte, 16));
        s.setU32(INVERT, isNot(o.macSource) ? 1 : 0);
      },
      read: (s) => {
        const text = Array.from(s.copy(0, BYTES), (b) => b.toString(16).padStart(2, '0')).join(':');
        return { macSource: withNot(text, s.u32(INVERT) !== 0) };
      },
    },
  ],
  finish: (o) => {
    mandatory(o, 'macSource');
    return o;
  },
  list: (o) => ` MAC ${isNot(o.macSource) ? '! ' : ''}${bare(o.macSource ?? '')}`,
});
