// -j NETMAP (linux/netfilter/nf_nat.h; libipt_NETMAP.c, libip6t_NETMAP.c): a network as the first and the last of its addresses.
import { type BytesContext, type IpFamily, type OptionsOf, option, type Revision, target, ValueError } from './codec.ts';
import { hostmaskBytes, hostmaskText, networkOnly } from './hostmask.ts';
import { mandatory } from './option-values.ts';
import type { Struct } from './struct.ts';
import { type Layout, multiRangeCompat, NF_NAT_RANGE_MAP_IPS, range1 } from './target-nat-struct.ts';

const options = { to: option(networkOnly) } as const;
type Options = OptionsOf<typeof options>;

function read(layout: Layout, s: Struct, { family }: BytesContext): Options {
  if (s.u32(layout.flags) !== NF_NAT_RANGE_MAP_IPS)
    throw new ValueError(`no option stands for the flags 0x${s.u32(layout.flags).toString(16)}`);
  const size = family === 'ip' ? 4 : 16;
  const address = s.copy(layout.minAddress, size);
  const last = s.copy(layout.maxAddress, size);
  const mask = address.map((byte, i) => ~(byte ^ (last[i] as number)));
  if (address.some((byte, i) => (byte & ~(mask[i] as number)) !== 0))
    throw new ValueError('no option stands for addresses that are no network');
  return { to: hostmaskText({ address, mask }, family) };
}

function netmapRevision(layout: Layout, family: IpFamily): Revision<Options> {
  return {
    revision: 0,
    family,
    size: layout.size,
    write: (o, s) => {
      const { address, mask } = hostmaskBytes(o.to ?? '', family);
      // rangesize: one.
      if (layout === multiRangeCompat) s.setU32(0, 1);
      s.setU32(layout.flags, NF_NAT_RANGE_MAP_IPS);
      s.set(layout.minAddress, address);
      s.set(
        layout.maxAddress,
        address.map((byte, i) => byte | ~(mask[i] as number)),
      );
    },
    read: (s, c) => read(layout, s, c),
  };
}

export const NETMAP = target('NETMAP', {
  options,
  revisions: [netmapRevision(multiRangeCompat, 'ip'), netmapRevision(range1, 'ip6')],
  list: (o) => ` to:${o.to}`,
  finish: (o) => {
    mandatory(o, 'to');
    return o;
  },
});
