// -j SNPT, -j DNPT (linux/netfilter_ipv6/ip6t_NPT.h, struct ip6t_npt_tginfo; libip6t_SNPT.c, libip6t_DNPT.c). A prefix of no bits is
// printed too: the real save leaves it out, and its own parser then misses it.
import { type OptionsOf, option, target, ValueError } from './codec.ts';
import { hostmask, hostmaskBytes, hostmaskText } from './hostmask.ts';
import { mandatory } from './option-values.ts';
import type { Struct } from './struct.ts';

const options = { 'src-pfx': option(hostmask), 'dst-pfx': option(hostmask) } as const;
type Options = OptionsOf<typeof options>;

/** union nf_inet_addr src_pfx, dst_pfx; __u8 src_pfx_len, dst_pfx_len; __sum16 adjustment */
const NPT = { source: 0, dest: 16, sourceLength: 32, destLength: 33, adjustment: 34, size: 36 } as const;

function write(s: Struct, at: number, lengthAt: number, prefix = ''): void {
  s.set(at, hostmaskBytes(prefix, 'ip6').address);
  s.setU8(lengthAt, Number(prefix.slice(prefix.lastIndexOf('/') + 1)));
}
function read(s: Struct, at: number, lengthAt: number): string {
  const length = s.u8(lengthAt);
  if (length > 128) throw new ValueError(`no option stands for a prefix of ${length} bits`);
  const { mask } = hostmaskBytes(`::/${length}`, 'ip6');
  return hostmaskText({ address: s.copy(at, 16), mask }, 'ip6');
}

function npt<const N extends 'SNPT' | 'DNPT'>(name: N) {
  return target(name, {
    family: 'ip6',
    options,
    revisions: [
      {
        revision: 0,
        size: NPT.size,
        kernelPrivate: [[NPT.adjustment, NPT.size]],
        write: (o, s) => {
          write(s, NPT.source, NPT.sourceLength, o.srcPfx);
          write(s, NPT.dest, NPT.destLength, o.dstPfx);
        },
        read: (s): Options => ({ srcPfx: read(s, NPT.source, NPT.sourceLength), dstPfx: read(s, NPT.dest, NPT.destLength) }),
      },
    ],
    list: (o) => ` ${name} src-pfx ${o.srcPfx} dst-pfx ${o.dstPfx}`,
    finish: (o) => {
      mandatory(o, 'srcPfx', 'dstPfx');
      return o;
    },
  });
}

export const SNPT = npt('SNPT');
export const DNPT = npt('DNPT');
