// Connection states and statuses as words (linux/netfilter/xt_conntrack.h, nf_conntrack_common.h; libxt_conntrack.c).
import { type Value, ValueError } from './codec.ts';
import { type BitWord, bitWords } from './words-of-bits.ts';

export type State = 'INVALID' | 'NEW' | 'RELATED' | 'ESTABLISHED' | 'UNTRACKED' | 'SNAT' | 'DNAT';
export type Status = 'EXPECTED' | 'SEEN_REPLY' | 'ASSURED' | 'CONFIRMED';

/** XT_CONNTRACK_STATE_BIT of each; the last three are above IP_CT_NUMBER. In the order the save commands print. */
export const stateTable: readonly BitWord<State>[] = [
  { word: 'INVALID', bit: 0x001 },
  { word: 'NEW', bit: 0x008 },
  { word: 'RELATED', bit: 0x004 },
  { word: 'ESTABLISHED', bit: 0x002 },
  { word: 'UNTRACKED', bit: 0x100 },
  { word: 'SNAT', bit: 0x040 },
  { word: 'DNAT', bit: 0x080 },
];
export const UNTRACKED = 0x100;
export const states = bitWords('ctstate', stateTable);

/** -m state knows no NAT. */
export type PlainState = Exclude<State, 'SNAT' | 'DNAT'>;
export const plainStateTable = stateTable.slice(0, 5) as readonly BitWord<PlainState>[];
export const plainStates = bitWords('state', plainStateTable);

/** enum ip_conntrack_status. */
export const statusTable: readonly BitWord<Status>[] = [
  { word: 'EXPECTED', bit: 1 },
  { word: 'SEEN_REPLY', bit: 2 },
  { word: 'ASSURED', bit: 4 },
  { word: 'CONFIRMED', bit: 8 },
];
const listed = bitWords('ctstatus', statusTable);
/** An empty list is NONE. */
export const statuses: Value<readonly Status[]> = {
  parse: ([list], c) => {
    const words = (list as string).split(',');
    const some = words.filter((word) => word === '' || !'NONE'.startsWith(word.toUpperCase()));
    return some.length === 0 ? [] : listed.parse([some.join(',')], c);
  },
  format: (words, c) => (words.length === 0 ? ['NONE'] : listed.format(words, c)),
};

export type Direction = 'ORIGINAL' | 'REPLY';
export const direction: Value<Direction> = {
  parse: ([word]) => {
    const upper = (word as string).toUpperCase();
    if (upper !== 'ORIGINAL' && upper !== 'REPLY') throw new ValueError('ORIGINAL or REPLY is needed');
    return upper;
  },
  format: (v) => [v],
};
