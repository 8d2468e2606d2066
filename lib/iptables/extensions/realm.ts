// -m realm (linux/netfilter/xt_realm.h, struct xt_realm_info; libipt_realm.c).
import { isNot, match, notOption } from './codec.ts';
import { namedMark, namedMarkText, namesOfFile } from './iproute2-names.ts';
import { bare, mandatory, withNot } from './option-values.ts';
import { markText } from './values.ts';

const names = namesOfFile('/etc/iproute2/rt_realms');

/** Offsets: __u32 id, mask; __u8 invert. */
const ID = 0;
const MASK = 4;
const INVERT = 8;

export const realm = match('realm', {
  family: 'ip',
  options: { realm: notOption(namedMark(names)) },
  revisions: [
    {
      revision: 0,
      size: 12,
      write: (o, s) => {
        if (o.realm === undefined) return;
        const { value, mask } = bare(o.realm);
        s.setU32(ID, value);
        s.setU32(MASK, mask);
        s.setU8(INVERT, isNot(o.realm) ? 1 : 0);
      },
      read: (s) => ({ realm: withNot({ value: s.u32(ID), mask: s.u32(MASK) }, s.u8(INVERT) !== 0) }),
    },
  ],
  list: (o, { numeric }) => {
    if (o.realm === undefined) return '';
    const text = numeric ? markText(bare(o.realm)) : namedMarkText(bare(o.realm), names);
    return `${isNot(o.realm) ? ' !' : ''} realm ${text}`;
  },
  finish: (o) => {
    mandatory(o, 'realm');
    return o;
  },
});
