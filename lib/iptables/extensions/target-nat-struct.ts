// The structs of DNAT, SNAT, MASQUERADE and REDIRECT (linux/netfilter/nf_nat.h).
import { type BytesContext, type IpFamily, type Revision, ValueError } from './codec.ts';
import type { Struct } from './struct.ts';
import { firstOf, lastOf, type NatAddresses, type NatPorts, type NatRange } from './target-nat-range.ts';
import { formatAddress, parseAddress } from './values.ts';

export const NF_NAT_RANGE_MAP_IPS = 1 << 0;
export const NF_NAT_RANGE_PROTO_SPECIFIED = 1 << 1;
export const NF_NAT_RANGE_PROTO_RANDOM = 1 << 2;
export const NF_NAT_RANGE_PERSISTENT = 1 << 3;
export const NF_NAT_RANGE_PROTO_RANDOM_FULLY = 1 << 4;
const NF_NAT_RANGE_PROTO_OFFSET = 1 << 5;

/** Options that are one bit of `flags` each. */
export interface NatFlags {
  readonly random?: true;
  readonly randomFully?: true;
  readonly persistent?: true;
}

/** Where the fields are. */
export interface Layout {
  readonly size: number;
  readonly flags: number;
  readonly minAddress: number;
  readonly maxAddress: number;
  readonly minPort: number;
  readonly maxPort: number;
  readonly basePort?: number;
}
/** struct nf_nat_ipv4_multi_range_compat: rangesize, then one nf_nat_ipv4_range. */
export const multiRangeCompat: Layout = { size: 20, flags: 4, minAddress: 8, maxAddress: 12, minPort: 16, maxPort: 18 };
/** struct nf_nat_range. */
export const range1: Layout = { size: 40, flags: 0, minAddress: 4, maxAddress: 20, minPort: 36, maxPort: 38 };
/** struct nf_nat_range2. */
export const range2: Layout = { size: 44, flags: 0, minAddress: 4, maxAddress: 20, minPort: 36, maxPort: 38, basePort: 40 };

/** How the options of one target hold a range, and which flags it has options for (the base port's is not asked about). */
export interface NatView<O> {
  readonly flags: number;
  range(options: O): NatRange;
  options(range: NatRange): O;
}

export function natRevision<O extends NatFlags>(view: NatView<O>, revision: number, layout: Layout, family?: IpFamily): Revision<O> {
  return {
    revision,
    ...(family === undefined ? {} : { family }),
    size: layout.size,
    write: (o, s, c) => {
      // rangesize: the kernel takes one range only.
      if (layout === multiRangeCompat) s.setU32(0, 1);
      s.setU32(layout.flags, writeRange(view.range(o), layout, s, c.family) | flagBits(o));
    },
    read: (s, c) => {
      const flags = s.u32(layout.flags);
      const unknown = flags & ~(view.flags | NF_NAT_RANGE_PROTO_OFFSET);
      // Whoever asked keeps the bytes then; options without the bit would be another rule.
      if (unknown !== 0) throw new ValueError(`no option stands for the flags 0x${unknown.toString(16)}`);
      return {
        ...view.options(readRange(flags, layout, s, c)),
        ...((flags & NF_NAT_RANGE_PROTO_RANDOM) === 0 ? {} : { random: true }),
        ...((flags & NF_NAT_RANGE_PROTO_RANDOM_FULLY) === 0 ? {} : { randomFully: true }),
        ...((flags & NF_NAT_RANGE_PERSISTENT) === 0 ? {} : { persistent: true }),
      };
    },
    can: (o) => {
      const { port } = view.range(o);
      return layout.basePort !== undefined || port === undefined || typeof port === 'number' || (port.base ?? 0) === 0;
    },
  };
}

/** The flags' words of -L, which are those of their options. */
export function listFlags(o: NatFlags): string {
  return (
    (o.random === true ? ' random' : '') + (o.randomFully === true ? ' random-fully' : '') + (o.persistent === true ? ' persistent' : '')
  );
}

function flagBits(o: NatFlags): number {
  return (
    (o.random === true ? NF_NAT_RANGE_PROTO_RANDOM : 0) |
    (o.randomFully === true ? NF_NAT_RANGE_PROTO_RANDOM_FULLY : 0) |
    (o.persistent === true ? NF_NAT_RANGE_PERSISTENT : 0)
  );
}

/** Gives the flags that say what is there. */
function writeRange({ address, port }: NatRange, layout: Layout, s: Struct, family: IpFamily): number {
  let flags = 0;
  if (address !== undefined) {
    flags |= NF_NAT_RANGE_MAP_IPS;
    writeAddress(s, layout.minAddress, firstOf(address), family);
    writeAddress(s, layout.maxAddress, lastOf(address), family);
  }
  if (port !== undefined) {
    flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
    writePort(s, layout.minPort, typeof port === 'number' ? port : port.min);
    writePort(s, layout.maxPort, typeof port === 'number' ? port : port.max);
    if (typeof port !== 'number' && port.base !== undefined) {
      flags |= NF_NAT_RANGE_PROTO_OFFSET;
      if (layout.basePort !== undefined) writePort(s, layout.basePort, port.base);
    }
  }
  return flags;
}
function writeAddress(s: Struct, at: number, text: string, family: IpFamily): void {
  const bytes = parseAddress(family, text);
  if (bytes === undefined) throw new ValueError(`bad IP address "${text}"`);
  s.set(at, bytes);
}
function writePort(s: Struct, at: number, port: number): void {
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) throw new ValueError(`port "${port}" not valid`);
  s.setBe16(at, port);
}

function readRange(flags: number, layout: Layout, s: Struct, c: BytesContext): NatRange {
  return {
    ...((flags & NF_NAT_RANGE_MAP_IPS) === 0 ? {} : { address: readAddresses(layout, s, c.family) }),
    ...((flags & NF_NAT_RANGE_PROTO_SPECIFIED) === 0 ? {} : { port: readPorts(flags, layout, s) }),
  };
}
function readAddresses(layout: Layout, s: Struct, family: IpFamily): NatAddresses {
  const min = formatAddress(family, s.bytes, layout.minAddress);
  const max = formatAddress(family, s.bytes, layout.maxAddress);
  return min === max ? min : { min, max };
}
/** The real SNAT and MASQUERADE set the flag of a base their struct has no place for: 0 then, as their save prints it. */
function readPorts(flags: number, layout: Layout, s: Struct): NatPorts {
  const min = s.be16(layout.minPort);
  const max = s.be16(layout.maxPort);
  if (max < min) throw new ValueError(`port range ${min}-${max} ends before it begins`);
  if ((flags & NF_NAT_RANGE_PROTO_OFFSET) !== 0) return { min, max, base: layout.basePort === undefined ? 0 : s.be16(layout.basePort) };
  return min === max ? min : { min, max };
}
