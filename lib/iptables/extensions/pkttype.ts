// -m pkttype (linux/netfilter/xt_pkttype.h; libxt_pkttype.c).
import { isNot, match, notOption, type Value, ValueError } from './codec.ts';
import { bare, mandatory, withNot } from './option-values.ts';

/** PACKET_* of linux/if_packet.h, in their order. */
const types = ['unicast', 'broadcast', 'multicast', 'otherhost'] as const;
export type PacketType = (typeof types)[number];

const type: Value<PacketType> = {
  parse: ([word]) => {
    const lower = (word as string).toLowerCase();
    const found = types.find(
      (t) => t === (lower === 'bcast' ? 'broadcast' : lower === 'mcast' ? 'multicast' : lower === 'host' ? 'unicast' : lower),
    );
    if (found === undefined) throw new ValueError(`Bad packet type '${word}'`);
    return found;
  },
  format: (t) => [t],
};

/** Offsets in struct xt_pkttype_info: int pkttype, invert. */
export const PKTTYPE = { type: 0, invert: 4, size: 8 } as const;

export const pkttype = match('pkttype', {
  options: { 'pkt-type': notOption(type) },
  revisions: [
    {
      revision: 0,
      size: PKTTYPE.size,
      write: (o, s) => {
        if (o.pktType === undefined) return;
        s.setU32(PKTTYPE.type, types.indexOf(bare(o.pktType)));
        s.setU32(PKTTYPE.invert, isNot(o.pktType) ? 1 : 0);
      },
      read: (s) => {
        const word = types[s.u32(PKTTYPE.type)];
        if (word === undefined) throw new ValueError(`no word stands for packet type ${s.u32(PKTTYPE.type)}`);
        return { pktType: withNot<PacketType>(word, s.u32(PKTTYPE.invert) !== 0) };
      },
    },
  ],
  list: (o) => (o.pktType === undefined ? '' : ` PKTTYPE ${isNot(o.pktType) ? '!=' : '='} ${bare(o.pktType)}`),
  finish: (o) => {
    mandatory(o, 'pktType');
    return o;
  },
});
