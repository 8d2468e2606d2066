// -m srh (linux/netfilter_ipv6/ip6t_srh.h, struct ip6t_srh, ip6t_srh1; libip6t_srh.c).
import { isNot, match, notOption, type OptionsOf, type Revision, ValueError } from './codec.ts';
import { hostmask, hostmaskBytes, hostmaskText } from './hostmask.ts';
import { bare, type Reading, withNot } from './option-values.ts';
import { checkFlags, flagsOf } from './struct-flags.ts';
import { unsigned } from './values.ts';

const u8 = notOption(unsigned(0xff));
const sid = notOption(hostmask);
/** In the order the save commands print. */
const options = {
  'srh-next-hdr': u8,
  'srh-hdr-len-eq': u8,
  'srh-hdr-len-gt': u8,
  'srh-hdr-len-lt': u8,
  'srh-segs-left-eq': u8,
  'srh-segs-left-gt': u8,
  'srh-segs-left-lt': u8,
  'srh-last-entry-eq': u8,
  'srh-last-entry-gt': u8,
  'srh-last-entry-lt': u8,
  'srh-tag': notOption(unsigned(0xffff)),
  'srh-psid': sid,
  'srh-nsid': sid,
  'srh-lsid': sid,
} as const;
type Options = OptionsOf<typeof options>;

/** Offsets: __u8 next_hdr, hdr_len, segs_left, last_entry; __u16 tag. Three comparisons have one place. */
const numbers = [
  { key: 'srhNextHdr', label: 'next-hdr', at: 0, bit: 0x0001 },
  { key: 'srhHdrLenEq', label: 'hdr-len-eq', at: 1, bit: 0x0002 },
  { key: 'srhHdrLenGt', label: 'hdr-len-gt', at: 1, bit: 0x0004 },
  { key: 'srhHdrLenLt', label: 'hdr-len-lt', at: 1, bit: 0x0008 },
  { key: 'srhSegsLeftEq', label: 'segs-left-eq', at: 2, bit: 0x0010 },
  { key: 'srhSegsLeftGt', label: 'segs-left-gt', at: 2, bit: 0x0020 },
  { key: 'srhSegsLeftLt', label: 'segs-left-lt', at: 2, bit: 0x0040 },
  { key: 'srhLastEntryEq', label: 'last-entry-eq', at: 3, bit: 0x0080 },
  { key: 'srhLastEntryGt', label: 'last-entry-gt', at: 3, bit: 0x0100 },
  { key: 'srhLastEntryLt', label: 'last-entry-lt', at: 3, bit: 0x0200 },
  { key: 'srhTag', label: 'tag', at: 4, bit: 0x0400 },
] as const;
const TAG = 4;
/** Offsets of struct in6_addr psid_addr, nsid_addr, lsid_addr, psid_msk, nsid_msk, lsid_msk in revision 1. */
const srhSids = [
  { key: 'srhPsid', label: 'psid', address: 8, mask: 56, bit: 0x0800 },
  { key: 'srhNsid', label: 'nsid', address: 24, mask: 72, bit: 0x1000 },
  { key: 'srhLsid', label: 'lsid', address: 40, mask: 88, bit: 0x2000 },
] as const;

/** `flags`: offset of __u16 mt_flags, mt_invflags. */
function srhRevision(revision: 0 | 1, flags: number, sids: readonly (typeof srhSids)[number][]): Revision<Options> {
  const fields = [...numbers, ...sids];
  const known = fields.reduce((bits, { bit }) => bits | bit, 0);
  return {
    revision,
    size: flags + 4,
    can: (o) => srhSids.every(({ key }) => sids.length > 0 || o[key] === undefined),
    write: (o, s) => {
      for (const { key, at } of numbers) {
        if (o[key] === undefined) continue;
        if (at === TAG) s.setU16(at, bare<number>(o[key]));
        else s.setU8(at, bare<number>(o[key]));
      }
      for (const { key, address, mask } of sids) {
        if (o[key] === undefined) continue;
        const bytes = hostmaskBytes(bare(o[key]), 'ip6');
        s.set(address, bytes.address);
        s.set(mask, bytes.mask);
      }
      const set = flagsOf(fields.map(({ key, bit }) => [o[key], bit] as const));
      s.setU16(flags, set.flags);
      s.setU16(flags + 2, set.inverted);
    },
    read: (s) => {
      const set = s.u16(flags);
      const inverted = s.u16(flags + 2);
      checkFlags(set, known, inverted, known);
      const out: Reading<Options> = {};
      for (const { key, at, bit } of numbers)
        if ((set & bit) !== 0) out[key] = withNot(at === TAG ? s.u16(at) : s.u8(at), (inverted & bit) !== 0);
      for (const { key, address, mask, bit } of sids)
        if ((set & bit) !== 0)
          out[key] = withNot(hostmaskText({ address: s.copy(address, 16), mask: s.copy(mask, 16) }, 'ip6'), (inverted & bit) !== 0);
      return out;
    },
  };
}

export const srh = match('srh', {
  family: 'ip6',
  options,
  revisions: [srhRevision(0, 6, []), srhRevision(1, 104, srhSids)],
  list: (o) => {
    let out = ' srh';
    for (const { key, label } of numbers) if (o[key] !== undefined) out += ` ${label}:${isNot(o[key]) ? '!' : ''}${bare<number>(o[key])}`;
    for (const { key, label } of srhSids) if (o[key] !== undefined) out += ` ${label} ${isNot(o[key]) ? '!' : ''} ${bare<string>(o[key])}`;
    return out;
  },
  finish: (o) => {
    const places = new Map<number, number>();
    for (const { key, label, at } of numbers) {
      if (o[key] === undefined) continue;
      const value = bare<number>(o[key]);
      // The real program lets the last one win, without a word.
      if ((places.get(at) ?? value) !== value)
        throw new ValueError(`--srh-${label}: the struct has one place for this number, and it is another`);
      places.set(at, value);
    }
    return o;
  },
});
