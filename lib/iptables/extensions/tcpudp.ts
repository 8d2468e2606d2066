// What -m tcp and -m udp have in common: ports (linux/netfilter/xt_tcpudp.h; libxt_tcp.c, libxt_udp.c).
import { isNot, type Not, notOption, spelling, type Value } from './codec.ts';
import { bare, withNot, without } from './option-values.ts';
import { firstPort, isAnyPort, lastPort, type Ports, portRange } from './ports.ts';
import type { Struct } from './struct.ts';

/** Offsets in struct xt_tcp: __u16 spts[2], dpts[2]; __u8 option, flg_mask, flg_cmp, invflags. */
export const TCP = { source: 0, destination: 4, option: 8, flagMask: 9, flagCompare: 10, invert: 11, size: 12 } as const;
/** Offsets in struct xt_udp: __u16 spts[2], dpts[2]; __u8 invflags. */
export const UDP = { source: 0, destination: 4, invert: 8, size: 10 } as const;
/** XT_TCP_INV_*; udp has the first two only. */
export const INV_SRCPT = 0x01;
export const INV_DSTPT = 0x02;
export const TCP_INV_FLAGS = 0x04;
export const TCP_INV_OPTION = 0x08;
const PORT_MAX = 0xffff;

/** `port`: how tcp and udp read it, which differs. */
export function portOptions(port: Value<Ports>) {
  return {
    sport: notOption(port),
    'source-port': spelling('sport', notOption(port)),
    dport: notOption(port),
    'destination-port': spelling('dport', notOption(port)),
  } as const;
}

interface PortOptions {
  sport?: Not<Ports>;
  dport?: Not<Ports>;
}
const sides = [
  { key: 'sport', at: TCP.source, bit: INV_SRCPT },
  { key: 'dport', at: TCP.destination, bit: INV_DSTPT },
] as const;

/** Writes both ports and gives the bits of those inverted. */
export function writePorts(o: Readonly<PortOptions>, s: Struct): number {
  let inverted = 0;
  for (const { key, at, bit } of sides) {
    const option = o[key];
    const range = option === undefined ? ([0, PORT_MAX] as const) : bare<Ports>(option);
    s.setU16(at, firstPort(range));
    s.setU16(at + 2, lastPort(range));
    if (isNot(option)) inverted |= bit;
  }
  return inverted;
}

export function readPorts(s: Struct, inverted: number): PortOptions {
  const out: PortOptions = {};
  for (const { key, at, bit } of sides) {
    const not = (inverted & bit) !== 0;
    if (not || s.u16(at) !== 0 || s.u16(at + 2) !== PORT_MAX) out[key] = withNot(portRange(s.u16(at), s.u16(at + 2)), not);
  }
  return out;
}

/** What matches every packet isn't there at all, in the struct and in the saved line. */
export function withoutAnyPort<O extends Readonly<PortOptions>>(o: O): O {
  const any = (['sport', 'dport'] as const).filter((key) => isAnyPort(o[key]));
  return any.length === 0 ? o : without(o, ...any);
}

/** "Not from 0 on" and "not to the end" as the range of the others: iptables-nft before 1.8.10 writes `! --dport 0:10` as `> 10`. */
export function canonicalPorts(s: Struct, invertAt: number): void {
  for (const { at, bit } of sides) {
    const inverted = s.u8(invertAt);
    const low = s.u16(at);
    const high = s.u16(at + 2);
    if ((inverted & bit) === 0 || low > high || (low === 0) === (high === PORT_MAX)) continue;
    s.setU16(at, low === 0 ? high + 1 : 0);
    s.setU16(at + 2, low === 0 ? PORT_MAX : low - 1);
    s.setU8(invertAt, inverted & ~bit);
  }
}
