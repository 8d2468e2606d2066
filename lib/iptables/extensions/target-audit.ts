// -j AUDIT (linux/netfilter/xt_AUDIT.h; libxt_AUDIT.c).
import { option, target, type Value, ValueError } from './codec.ts';
import { mandatory } from './option-values.ts';

/** In the order of XT_AUDIT_TYPE_*. */
const types = ['accept', 'drop', 'reject'] as const;
export type AuditType = (typeof types)[number];

const type: Value<AuditType> = {
  parse: ([word]) => {
    const found = types.find((name) => name === (word as string).toLowerCase());
    if (found === undefined) throw new ValueError(`Bad action type value "${word}"`);
    return found;
  },
  format: (name) => [name],
};

export const AUDIT = target('AUDIT', {
  options: { type: option(type) },
  revisions: [
    {
      // struct xt_audit_info: __u8 type
      revision: 0,
      size: 1,
      write: (o, s) => {
        if (o.type !== undefined) s.setU8(0, types.indexOf(o.type));
      },
      read: (s) => {
        const found = types[s.u8(0)];
        if (found === undefined) throw new ValueError(`no option stands for the type ${s.u8(0)}`);
        return { type: found };
      },
    },
  ],
  list: (o) => ` AUDIT ${o.type}`,
  finish: (o) => {
    mandatory(o, 'type');
    return o;
  },
});
