// A packet's headers as a trace carries them: the kernel copies at most 20 bytes of link, 40 of network and 20 of
// transport header (nf_tables_trace.c, NFT_TRACETYPE_*_HSIZE). Words are nft's.
import { formatIpv4, formatIpv6 } from '../../wire/address.ts';
import { be16, be32 } from '../../wire/attributes.ts';

export interface LinkHeader {
  readonly saddr: string;
  readonly daddr: string;
  /** Ethertype, behind a VLAN tag if there is one. */
  readonly type: number;
  readonly vlan?: { readonly id: number; readonly pcp: number };
}
export type NetworkHeader =
  | {
      readonly protocol: 'ip';
      readonly saddr: string;
      readonly daddr: string;
      readonly dscp: number;
      readonly ecn: number;
      /** Bytes, header included. */
      readonly length: number;
      readonly id: number;
      /** rf, df, mf. */
      readonly flags: readonly string[];
      /** Bytes. */
      readonly offset: number;
      readonly ttl: number;
      /** What it carries: a name where it is one that is decoded, else the number. */
      readonly next: string | number;
      readonly checksum: number;
    }
  | {
      readonly protocol: 'ip6';
      readonly saddr: string;
      readonly daddr: string;
      readonly dscp: number;
      readonly ecn: number;
      readonly flowlabel: number;
      /** Bytes behind this header. */
      readonly length: number;
      readonly hoplimit: number;
      readonly next: string | number;
    }
  | {
      readonly protocol: 'arp';
      readonly operation: number;
      readonly saddr?: string;
      readonly daddr?: string;
      readonly sether?: string;
      readonly dether?: string;
    };
export type TransportHeader =
  | {
      readonly protocol: 'tcp';
      readonly sport: number;
      readonly dport: number;
      readonly sequence: number;
      readonly ackseq: number;
      /** Bytes of header. */
      readonly doff: number;
      readonly flags: readonly string[];
      readonly window: number;
      readonly checksum: number;
      readonly urgptr: number;
    }
  | { readonly protocol: 'udp'; readonly sport: number; readonly dport: number; readonly length: number; readonly checksum: number }
  | {
      readonly protocol: 'icmp' | 'icmpv6';
      readonly type: number;
      readonly code: number;
      readonly checksum: number;
      /** Of echo requests and replies. */
      readonly id?: number;
      readonly sequence?: number;
    };

export interface Packet {
  /** Interface indices. */
  readonly iif?: number;
  readonly oif?: number;
  /** ARPHRD_*. */
  readonly iiftype?: number;
  readonly oiftype?: number;
  /** A header that isn't known stays its bytes. */
  readonly link?: LinkHeader | Uint8Array;
  readonly network?: NetworkHeader | Uint8Array;
  readonly transport?: TransportHeader | Uint8Array;
  // For those who walk over everything there is.
  readonly [name: string]: unknown;
}

export interface RawPacket {
  readonly iif?: number;
  readonly oif?: number;
  readonly iiftype?: number;
  readonly oiftype?: number;
  readonly link?: Uint8Array;
  readonly network?: Uint8Array;
  readonly transport?: Uint8Array;
}

/** linux/if_arp.h: devices whose link header is Ethernet's. */
const ethernetDevices: ReadonlySet<number> = new Set([1, 772]);
const ETH_P_ARP = 0x0806;
const ETH_P_8021Q = 0x8100;
const protocols: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' };
const tcpFlags = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr'];

export function decodePacket(raw: RawPacket): Packet {
  const { link, network, transport, ...rest } = raw;
  const device = raw.iiftype ?? raw.oiftype;
  const linkHeader = link && device !== undefined && ethernetDevices.has(device) ? ethernet(link) : undefined;
  const networkHeader = network && networkOf(network, linkHeader?.type);
  const next = networkHeader !== undefined && 'next' in networkHeader ? networkHeader.next : undefined;
  return {
    ...rest,
    ...(link === undefined ? {} : { link: linkHeader ?? link }),
    ...(network === undefined ? {} : { network: networkHeader ?? network }),
    ...(transport === undefined ? {} : { transport: transportOf(transport, next) ?? transport }),
  };
}

function ether(b: Uint8Array, at: number): string {
  return Array.from(b.subarray(at, at + 6), (byte) => byte.toString(16).padStart(2, '0')).join(':');
}

function ethernet(b: Uint8Array): LinkHeader | undefined {
  if (b.length < 14) return undefined;
  const addresses = { daddr: ether(b, 0), saddr: ether(b, 6) };
  const type = be16(b, 12);
  if (type !== ETH_P_8021Q || b.length < 18) return { ...addresses, type };
  const tag = be16(b, 14);
  return { ...addresses, type: be16(b, 16), vlan: { id: tag & 0xfff, pcp: tag >> 13 } };
}

function networkOf(b: Uint8Array, ethertype: number | undefined): NetworkHeader | undefined {
  if (ethertype === ETH_P_ARP) return arp(b);
  const version = b.length === 0 ? 0 : (b[0] as number) >> 4;
  if (version === 4 && b.length >= 20) return ipv4(b);
  if (version === 6 && b.length >= 40) return ipv6(b);
  return arp(b);
}

function ipv4(b: Uint8Array): NetworkHeader {
  const fragment = be16(b, 6);
  const next = b[9] as number;
  return {
    protocol: 'ip',
    saddr: formatIpv4(b, 12),
    daddr: formatIpv4(b, 16),
    dscp: (b[1] as number) >> 2,
    ecn: (b[1] as number) & 3,
    length: be16(b, 2),
    id: be16(b, 4),
    flags: ['rf', 'df', 'mf'].filter((_, i) => (fragment & (0x8000 >> i)) !== 0),
    offset: (fragment & 0x1fff) * 8,
    ttl: b[8] as number,
    next: protocols[next] ?? next,
    checksum: be16(b, 10),
  };
}

function ipv6(b: Uint8Array): NetworkHeader {
  const first = be32(b, 0);
  const next = b[6] as number;
  return {
    protocol: 'ip6',
    saddr: formatIpv6(b, 8),
    daddr: formatIpv6(b, 24),
    dscp: (first >>> 22) & 0x3f,
    ecn: (first >>> 20) & 3,
    flowlabel: first & 0xfffff,
    length: be16(b, 4),
    hoplimit: b[7] as number,
    next: protocols[next] ?? next,
  };
}

/** RFC 826; addresses where they are Ethernet's and IPv4's. */
function arp(b: Uint8Array): NetworkHeader | undefined {
  if (b.length < 8 || be16(b, 0) !== 1) return undefined;
  const operation = be16(b, 6);
  if (be16(b, 2) !== 0x0800 || b[4] !== 6 || b[5] !== 4 || b.length < 28) return { protocol: 'arp', operation };
  return { protocol: 'arp', operation, sether: ether(b, 8), saddr: formatIpv4(b, 14), dether: ether(b, 18), daddr: formatIpv4(b, 24) };
}

function transportOf(b: Uint8Array, protocol: string | number | undefined): TransportHeader | undefined {
  switch (protocol) {
    case 'tcp':
      if (b.length < 20) return undefined;
      return {
        protocol,
        sport: be16(b, 0),
        dport: be16(b, 2),
        sequence: be32(b, 4),
        ackseq: be32(b, 8),
        doff: ((b[12] as number) >> 4) * 4,
        flags: tcpFlags.filter((_, i) => ((b[13] as number) & (1 << i)) !== 0),
        window: be16(b, 14),
        checksum: be16(b, 16),
        urgptr: be16(b, 18),
      };
    case 'udp':
      if (b.length < 8) return undefined;
      return { protocol, sport: be16(b, 0), dport: be16(b, 2), length: be16(b, 4), checksum: be16(b, 6) };
    case 'icmp':
    case 'icmpv6': {
      if (b.length < 4) return undefined;
      const type = b[0] as number;
      const echo = protocol === 'icmp' ? type === 0 || type === 8 : type === 128 || type === 129;
      return {
        protocol,
        type,
        code: b[1] as number,
        checksum: be16(b, 2),
        ...(echo && b.length >= 8 ? { id: be16(b, 4), sequence: be16(b, 6) } : {}),
      };
    }
    default:
      return undefined;
  }
}
