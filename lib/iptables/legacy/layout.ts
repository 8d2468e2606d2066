// struct ipt_entry and ip6t_entry (linux/netfilter_ipv4/ip_tables.h, netfilter_ipv6/ip6_tables.h): where each field lies.
import type { IpFamily } from '../extensions/codec.ts';

export interface EntryLayout {
  /** Bytes of an address. */
  readonly width: number;
  readonly source: number;
  readonly destination: number;
  readonly sourceMask: number;
  readonly destinationMask: number;
  readonly inInterface: number;
  readonly outInterface: number;
  readonly inMask: number;
  readonly outMask: number;
  readonly protocol: number;
  readonly flags: number;
  readonly inverted: number;
  /** End of what a rule is compared by before its matches. */
  readonly nfcache: number;
  readonly targetOffset: number;
  readonly nextOffset: number;
  readonly packets: number;
  readonly bytes: number;
  readonly size: number;
  /** Bits of `flags`. */
  readonly fragment: number;
  readonly hasProtocol: number;
  readonly goto: number;
}

export const layouts: Readonly<Record<IpFamily, EntryLayout>> = {
  ip: {
    ...{ width: 4, source: 0, destination: 4, sourceMask: 8, destinationMask: 12 },
    ...{ inInterface: 16, outInterface: 32, inMask: 48, outMask: 64, protocol: 80, flags: 82, inverted: 83 },
    ...{ nfcache: 84, targetOffset: 88, nextOffset: 90, packets: 96, bytes: 104, size: 112 },
    // IPT_F_FRAG, IPT_F_GOTO
    ...{ fragment: 0x01, hasProtocol: 0, goto: 0x02 },
  },
  ip6: {
    ...{ width: 16, source: 0, destination: 16, sourceMask: 32, destinationMask: 48 },
    ...{ inInterface: 64, outInterface: 80, inMask: 96, outMask: 112, protocol: 128, flags: 131, inverted: 132 },
    ...{ nfcache: 136, targetOffset: 140, nextOffset: 142, packets: 152, bytes: 160, size: 168 },
    // IP6T_F_PROTO, IP6T_F_GOTO; fragments are a match of their own
    ...{ fragment: 0, hasProtocol: 0x01, goto: 0x04 },
  },
};

/** IPT_INV_*, IP6T_INV_*. */
export const INV = { in: 0x01, out: 0x02, source: 0x08, destination: 0x10, fragment: 0x20, protocol: 0x40 } as const;

/** struct xt_entry_match, xt_entry_target: __u16 size; char name[29]; __u8 revision. */
export const EXTENSION = { name: 2, nameSize: 29, revision: 31, size: 32 } as const;
/** struct xt_standard_target with XT_ALIGN. */
export const STANDARD_TARGET_SIZE = 40;
/** IFNAMSIZ. */
export const INTERFACE_SIZE = 16;

/** The verdicts of struct xt_standard_target: -NF_… - 1, and XT_RETURN. */
export const verdictNumbers = { drop: -1, accept: -2, queue: -4, return: -5 } as const;
