// What -m ttl and -m hl have alike (linux/netfilter_ipv4/ipt_ttl.h, linux/netfilter_ipv6/ip6t_hl.h; libipt_ttl.c, libip6t_hl.c).
import { isNot, type Not, type Revision, ValueError } from './codec.ts';
import { bare, withNot } from './option-values.ts';

/** What the limit is compared with: exactly one of the three. */
export interface Comparison {
  readonly eq: Not<number> | undefined;
  readonly lt: number | undefined;
  readonly gt: number | undefined;
}

/** Offsets in struct ipt_ttl_info and ip6t_hl_info: __u8 mode; __u8 ttl or hop_limit. */
export const HOP_LIMIT = { mode: 0, value: 1, size: 2 } as const;
/** IPT_TTL_EQ, NE, LT, GT, and IP6T_HL_* alike. */
export const hopLimitModes = { '==': 0, '!=': 1, '<': 2, '>': 3 } as const;

function parts({ eq, lt, gt }: Comparison): readonly [keyof typeof hopLimitModes, number] {
  if (lt !== undefined) return ['<', lt];
  if (gt !== undefined) return ['>', gt];
  return [isNot(eq) ? '!=' : '==', bare<number>(eq ?? 0)];
}

export function comparisonRevision<O>(
  comparisonOf: (o: O) => Comparison,
  optionsOf: (by: keyof Comparison, limit: Not<number>) => O,
): Revision<O> {
  return {
    revision: 0,
    size: HOP_LIMIT.size,
    write: (o, s) => {
      const [sign, limit] = parts(comparisonOf(o));
      s.setU8(HOP_LIMIT.mode, hopLimitModes[sign]);
      s.setU8(HOP_LIMIT.value, limit);
    },
    read: (s) => {
      const limit = s.u8(HOP_LIMIT.value);
      const mode = s.u8(HOP_LIMIT.mode);
      if (mode === hopLimitModes['<']) return optionsOf('lt', limit);
      if (mode === hopLimitModes['>']) return optionsOf('gt', limit);
      if (mode !== hopLimitModes['=='] && mode !== hopLimitModes['!=']) throw new ValueError(`no option stands for mode ${mode}`);
      return optionsOf('eq', withNot(limit, mode === hopLimitModes['!=']));
    },
  };
}

export function listComparison(name: 'TTL' | 'HL', comparison: Comparison): string {
  return ` ${name} match ${name} ${parts(comparison).join(' ')}`;
}

export function checkComparison(name: 'ttl' | 'hl', { eq, lt, gt }: Comparison): void {
  const given = [eq, lt, gt].filter((limit) => limit !== undefined);
  if (given.length === 0) throw new ValueError(`You must specify one of \`--${name}-eq', \`--${name}-lt', \`--${name}-gt'`);
  if (given.length > 1) throw new ValueError(`only one of --${name}-eq, --${name}-lt and --${name}-gt can be given`);
}
