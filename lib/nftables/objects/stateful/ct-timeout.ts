// ct timeout: how long conntrack keeps a connection in each state (enum nft_ct_timeout_timeout_attributes, and
// linux/netfilter/nfnetlink_cttimeout.h for the states; nft_ct.c nft_ct_timeout_obj_init).
import { EncodeError } from '../../../wire/errors.ts';
import { be16, be32, u8, words } from '../../../wire/kinds.ts';
import { type AttributeTable, attributes, optional } from '../../../wire/table.ts';
import { DependentTable, dependent } from '../dependent.ts';
import { families } from '../messages.ts';
import { protocols, type StatefulKind, type Words } from './kind.ts';

/** States by protocol, in the order of CTA_TIMEOUT_*_…, which begin at 1. Seconds. */
// biome-ignore format: a line holds what belongs together
export const timeoutStates: Readonly<Record<keyof typeof protocols, readonly string[]>> = {
  generic: ['timeout'],
  icmp: ['timeout'],
  icmpv6: ['timeout'],
  tcp: ['syn_sent', 'syn_recv', 'established', 'fin_wait', 'close_wait', 'last_ack', 'time_wait', 'close', 'syn_sent2', 'retrans', 'unack'],
  udp: ['unreplied', 'replied'],
  udplite: ['unreplied', 'replied'],
  gre: ['unreplied', 'replied'],
  dccp: ['request', 'respond', 'partopen', 'open', 'closereq', 'closing', 'timewait'],
  sctp: ['closed', 'cookie_wait', 'cookie_echoed', 'established', 'shutdown_sent', 'shutdown_recd', 'shutdown_ack_sent', 'heartbeat_sent', 'heartbeat_acked'],
};

function statesTable(names: readonly string[]): AttributeTable<object> {
  return attributes(Object.fromEntries(names.map((name, i) => [name, optional(i + 1, be32)])));
}

export const ctTimeout: StatefulKind = {
  number: 7,
  table: new DependentTable(
    { l3proto: optional(1, words(be16, families)), protocol: optional(2, words(u8, protocols)), policy: dependent(3) },
    'protocol',
    'policy',
    Object.fromEntries(Object.entries(timeoutStates).map(([protocol, names]) => [protocol, statesTable(names)])),
  ),
  words: { known: ['l3proto', 'protocol', 'policy', 'state', 'value'], toData, toWords: (data) => data },
};

/** nft's own `policy`, an object of states, and the one `state` and `value` of libnftables-json(5). The kernel needs one. */
function toData({ state, value, ...rest }: Words): object {
  if (state === undefined && value === undefined) return { ...rest, policy: rest['policy'] ?? {} };
  if (typeof state !== 'string') throw new EncodeError('state', state === undefined ? 'is missing' : 'a name is needed');
  const policy = rest['policy'];
  return { ...rest, policy: { ...(typeof policy === 'object' ? policy : {}), [state]: value } };
}
