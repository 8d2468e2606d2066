// What TTL and HL have alike (linux/netfilter_ipv4/ipt_TTL.h, linux/netfilter_ipv6/ip6t_HL.h; libipt_TTL.c, libip6t_HL.c).
import { type Revision, ValueError } from './codec.ts';

const ways = ['set', 'inc', 'dec'] as const;
export type Way = (typeof ways)[number];
/** What is done to the limit: exactly one of the three. */
export type Change = Readonly<Record<Way, number | undefined>>;

/** __u8 mode, the index in `ways`; __u8 ttl or hop_limit */
const LIMIT = { mode: 0, value: 1, size: 2 } as const;
const words: Readonly<Record<Way, string>> = { set: 'set to', inc: 'increment by', dec: 'decrement by' };

function wayOf(change: Change): readonly [Way, number] {
  for (const way of ways) if (change[way] !== undefined) return [way, change[way]];
  throw new ValueError('You must specify an action');
}

export function limitRevision<O>(changeOf: (o: O) => Change, optionsOf: (way: Way, by: number) => O): Revision<O> {
  return {
    revision: 0,
    size: LIMIT.size,
    write: (o, s) => {
      const [way, by] = wayOf(changeOf(o));
      s.setU8(LIMIT.mode, ways.indexOf(way));
      s.setU8(LIMIT.value, by);
    },
    read: (s) => {
      const way = ways[s.u8(LIMIT.mode)];
      const by = s.u8(LIMIT.value);
      if (way === undefined || (way !== 'set' && by === 0)) throw new ValueError(`no option stands for mode ${s.u8(LIMIT.mode)} by ${by}`);
      return optionsOf(way, by);
    },
  };
}

export function listLimit(name: 'TTL' | 'HL', change: Change): string {
  const [way, by] = wayOf(change);
  return ` ${name} ${words[way]} ${by}`;
}

export function checkLimit(change: Change): void {
  wayOf(change);
  if (ways.filter((way) => change[way] !== undefined).length > 1) throw new ValueError('only one of set, inc and dec can be given');
}
