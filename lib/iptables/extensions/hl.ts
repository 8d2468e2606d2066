// -m hl (linux/netfilter_ipv6/ip6t_hl.h, struct ip6t_hl_info; libip6t_hl.c): ttl of IPv6, with the same struct.
import { isNot, match, notOption, type OptionsOf, option, spelling, ValueError } from './codec.ts';
import { bare, withNot } from './option-values.ts';
import { TTL, ttlModes } from './ttl.ts';
import { unsigned } from './values.ts';

const u8 = unsigned(255);
const options = {
  'hl-eq': notOption(u8),
  hl: spelling('hl-eq', notOption(u8)),
  'hl-lt': option(u8),
  'hl-gt': option(u8),
} as const;
type Options = OptionsOf<typeof options>;
type Comparison = keyof typeof ttlModes;

function comparison(o: Options): readonly [Comparison, number] {
  if (o.hlLt !== undefined) return ['<', o.hlLt];
  if (o.hlGt !== undefined) return ['>', o.hlGt];
  return [isNot(o.hlEq) ? '!=' : '==', bare<number>(o.hlEq ?? 0)];
}

export const hl = match('hl', {
  family: 'ip6',
  options,
  revisions: [
    {
      revision: 0,
      size: TTL.size,
      write: (o, s) => {
        const [how, limit] = comparison(o);
        s.setU8(TTL.mode, ttlModes[how]);
        s.setU8(TTL.value, limit);
      },
      read: (s): Options => {
        const limit = s.u8(TTL.value);
        const mode = s.u8(TTL.mode);
        if (mode === ttlModes['<']) return { hlLt: limit };
        if (mode === ttlModes['>']) return { hlGt: limit };
        if (mode !== ttlModes['=='] && mode !== ttlModes['!=']) throw new ValueError(`no option stands for mode ${mode}`);
        return { hlEq: withNot(limit, mode === ttlModes['!=']) };
      },
    },
  ],
  list: (o) => ` HL match HL ${comparison(o).join(' ')}`,
  finish: (o) => {
    const given = (['hlEq', 'hlLt', 'hlGt'] as const).filter((key) => o[key] !== undefined);
    if (given.length === 0) throw new ValueError("You must specify one of `--hl-eq', `--hl-lt', `--hl-gt'");
    if (given.length > 1) throw new ValueError('only one of --hl-eq, --hl-lt and --hl-gt can be given');
    return o;
  },
});
