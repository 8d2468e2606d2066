// -m ttl (linux/netfilter_ipv4/ipt_ttl.h, struct ipt_ttl_info; libipt_ttl.c).
import { isNot, match, notOption, type OptionsOf, option, spelling, ValueError } from './codec.ts';
import { bare, type Reading } from './option-values.ts';
import { unsigned } from './values.ts';

const u8 = unsigned(255);
/** In the order the save commands print. */
const options = {
  'ttl-eq': notOption(u8),
  ttl: spelling('ttl-eq', notOption(u8)),
  'ttl-lt': option(u8),
  'ttl-gt': option(u8),
} as const;

/** Offsets in struct ipt_ttl_info: __u8 mode, ttl. */
export const TTL = { mode: 0, value: 1, size: 2 } as const;
/** IPT_TTL_EQ, NE, LT, GT. */
export const ttlModes = { '==': 0, '!=': 1, '<': 2, '>': 3 } as const;

export const ttl = match('ttl', {
  family: 'ip',
  options,
  revisions: [
    {
      revision: 0,
      size: TTL.size,
      write: (o, s) => {
        const [mode, value] =
          o.ttlLt !== undefined
            ? (['<', o.ttlLt] as const)
            : o.ttlGt !== undefined
              ? (['>', o.ttlGt] as const)
              : (['==', bare(o.ttlEq ?? 0)] as const);
        s.setU8(TTL.mode, isNot(o.ttlEq) ? ttlModes['!='] : ttlModes[mode]);
        s.setU8(TTL.value, value);
      },
      read: (s) => {
        const out: Reading<OptionsOf<typeof options>> = {};
        const value = s.u8(TTL.value);
        const mode = s.u8(TTL.mode);
        if (mode === ttlModes['==']) out.ttlEq = value;
        else if (mode === ttlModes['!=']) out.ttlEq = { not: value };
        else if (mode === ttlModes['<']) out.ttlLt = value;
        else if (mode === ttlModes['>']) out.ttlGt = value;
        else throw new ValueError(`no option stands for mode ${mode}`);
        return out;
      },
    },
  ],
  list: (o) => {
    const mode = o.ttlLt !== undefined ? '<' : o.ttlGt !== undefined ? '>' : isNot(o.ttlEq) ? '!=' : '==';
    return ` TTL match TTL ${mode} ${o.ttlLt ?? o.ttlGt ?? bare(o.ttlEq ?? 0)}`;
  },
  finish: (o) => {
    const given = [o.ttlEq, o.ttlLt, o.ttlGt].filter((v) => v !== undefined);
    if (given.length === 0) throw new ValueError("You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
    if (given.length > 1) throw new ValueError('only one of --ttl-eq, --ttl-lt and --ttl-gt can be given');
    return o;
  },
});
