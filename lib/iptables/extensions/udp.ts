// -m udp (linux/netfilter/xt_tcpudp.h, struct xt_udp; libxt_udp.c).
import { match } from './codec.ts';
import { listPorts, plainPorts } from './ports.ts';
import { canonicalPorts, portOptions, readPorts, UDP, withoutAnyPort, writePorts } from './tcpudp.ts';

export const udp = match('udp', {
  options: portOptions(plainPorts),
  protocols: [17],
  inverted: true,
  revisions: [
    {
      revision: 0,
      size: UDP.size,
      write: (o, s) => s.setU8(UDP.invert, writePorts(o, s)),
      read: (s) => readPorts(s, s.u8(UDP.invert)),
      canonical: (s) => canonicalPorts(s, UDP.invert),
    },
  ],
  list: ({ sport, dport }, { numeric }) => ` udp${listPorts('spt', sport, 'udp', numeric)}${listPorts('dpt', dport, 'udp', numeric)}`,
  finish: withoutAnyPort,
});
