// -m udp (linux/netfilter/xt_tcpudp.h, struct xt_udp; libxt_udp.c).
import { isNot, match, notOption, type OptionsOf, spelling } from './codec.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';
import { firstPort, isAnyPort, lastPort, type Ports, portRange, ports } from './ports.ts';

const options = {
  sport: notOption(ports),
  'source-port': spelling('sport', notOption(ports)),
  dport: notOption(ports),
  'destination-port': spelling('dport', notOption(ports)),
} as const;

const INV_SRCPT = 0x01;
const INV_DSTPT = 0x02;
const ANY: Ports = [0, 65535];

export const udp = match('udp', {
  options,
  protocols: [17],
  revisions: [
    {
      // __u16 spts[2], dpts[2]; __u8 invflags
      revision: 0,
      size: 10,
      write: (o, s) => {
        const sport = o.sport === undefined ? ANY : bare(o.sport);
        const dport = o.dport === undefined ? ANY : bare(o.dport);
        s.setU16(0, firstPort(sport));
        s.setU16(2, lastPort(sport));
        s.setU16(4, firstPort(dport));
        s.setU16(6, lastPort(dport));
        s.setU8(8, (isNot(o.sport) ? INV_SRCPT : 0) | (isNot(o.dport) ? INV_DSTPT : 0));
      },
      read: (s) => {
        const inv = s.u8(8);
        const out: Reading<OptionsOf<typeof options>> = {};
        if (s.u32(0) !== 0xffff0000 || (inv & INV_SRCPT) !== 0) out.sport = withNot(portRange(s.u16(0), s.u16(2)), (inv & INV_SRCPT) !== 0);
        if (s.u32(4) !== 0xffff0000 || (inv & INV_DSTPT) !== 0) out.dport = withNot(portRange(s.u16(4), s.u16(6)), (inv & INV_DSTPT) !== 0);
        return out;
      },
    },
  ],
  // What matches every packet isn't there at all, in the struct and in the saved line.
  finish: (o) => {
    let out = o;
    if (isAnyPort(out.sport)) out = without(out, 'sport');
    if (isAnyPort(out.dport)) out = without(out, 'dport');
    return out;
  },
});
