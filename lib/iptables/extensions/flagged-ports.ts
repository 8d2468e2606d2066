// Ports of -m sctp and -m dccp: __u16 dpts[2], spts[2], and a bit that says whether each was given. Every port is said too.
import { isNot, type Not, type OptionSpec, spelling, type Value } from './codec.ts';
import { bare, withNot } from './option-values.ts';
import { firstPort, isAnyPort, lastPort, listPorts, type Ports, portRange } from './ports.ts';
import type { Struct } from './struct.ts';
import { ValueError } from './value-error.ts';

interface PortOptions {
  sport?: Not<Ports>;
  dport?: Not<Ports>;
}
/** XT_SCTP_SRC_PORTS, XT_SCTP_DEST_PORTS and dccp's. */
const sides = [
  { key: 'sport', label: 'spt', at: 4, bit: 0x01 },
  { key: 'dport', label: 'dpt', at: 0, bit: 0x02 },
] as const;

/** In the order the save commands print. */
export function portOptions(value: Value<Ports>) {
  const ports = { words: 1, value, not: true } as const satisfies OptionSpec<Ports>;
  return {
    sport: ports,
    'source-port': spelling('sport', ports),
    dport: ports,
    'destination-port': spelling('dport', ports),
  } as const;
}

export function writePorts(o: Readonly<PortOptions>, s: Struct): { readonly given: number; readonly inverted: number } {
  let given = 0;
  let inverted = 0;
  for (const { key, at, bit } of sides) {
    const option = o[key];
    if (option === undefined) continue;
    given |= bit;
    if (isNot(option)) inverted |= bit;
    const range = bare<Ports>(option);
    s.setU16(at, firstPort(range));
    s.setU16(at + 2, lastPort(range));
  }
  return { given, inverted };
}

export function readPorts(s: Struct, given: number, inverted: number): PortOptions {
  const out: PortOptions = {};
  for (const { key, at, bit } of sides) {
    if ((given & bit) === 0) continue;
    const [first, last] = [s.u16(at), s.u16(at + 2)];
    if (first > last) throw new ValueError(`port range ${first}-${last} is negative`);
    out[key] = withNot(portRange(first, last), (inverted & bit) !== 0);
  }
  return out;
}

/** -L is silent about every port, as of tcp. */
export function listBothPorts(o: Readonly<PortOptions>, protocol: string, numeric: boolean): string {
  return sides.map(({ key, label }) => (isAnyPort(o[key]) ? '' : listPorts(label, o[key], protocol, numeric))).join('');
}
