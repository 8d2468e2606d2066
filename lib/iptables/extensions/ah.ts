// -m ah of either family (linux/netfilter_ipv4/ipt_ah.h, netfilter_ipv6/ip6t_ah.h; libipt_ah.c, libip6t_ah.c). That IPv4 needs -p ah is
// the kernel's to say.
import { flag, isNot, match, notOption, type OptionsOf, ValueError } from './codec.ts';
import { bare, onlyBits, type Reading, withNot, without } from './option-values.ts';
import { INV_SPI, listSpis, meaningfulSpis, readSpis, spiOption, spiRevision, writeSpis } from './spi.ts';
import { unsigned } from './values.ts';

const options4 = { ahspi: spiOption } as const;

/** struct ipt_ah. */
export const ah4 = match('ah', {
  family: 'ip',
  options: options4,
  revisions: [
    spiRevision<OptionsOf<typeof options4>>(
      (o) => o.ahspi,
      (ahspi) => (ahspi === undefined ? {} : { ahspi }),
    ),
  ],
  finish: (o) => (meaningfulSpis(o.ahspi) === undefined ? without(o, 'ahspi') : o),
  list: (o) => ` ah ${listSpis(o.ahspi)}`,
});

const INV_LEN = 0x02;
const options6 = { ahspi: spiOption, ahlen: notOption(unsigned(0xffffffff)), ahres: flag() } as const;

/** struct ip6t_ah: __u32 spis[2], hdrlen; __u8 hdrres, invflags. */
export const ah6 = match('ah', {
  family: 'ip6',
  options: options6,
  revisions: [
    {
      revision: 0,
      size: 16,
      write: (o, s) => {
        writeSpis(s, o.ahspi);
        if (o.ahlen !== undefined) s.setU32(8, bare(o.ahlen));
        s.setU8(12, o.ahres === true ? 1 : 0);
        s.setU8(13, (isNot(o.ahspi) ? INV_SPI : 0) | (isNot(o.ahlen) ? INV_LEN : 0));
      },
      read: (s) => {
        const inverted = onlyBits(s.u8(13), INV_SPI | INV_LEN);
        const out: Reading<OptionsOf<typeof options6>> = {};
        const ahspi = readSpis(s, (inverted & INV_SPI) !== 0);
        if (ahspi !== undefined) out.ahspi = ahspi;
        if (s.u32(8) !== 0 || (inverted & INV_LEN) !== 0) out.ahlen = withNot(s.u32(8), (inverted & INV_LEN) !== 0);
        if (s.u8(12) > 1) throw new ValueError(`no option stands for a reserved field of ${s.u8(12)}`);
        if (s.u8(12) === 1) out.ahres = true;
        return out;
      },
    },
  ],
  // A length of 0 asks for none.
  finish: (o) =>
    without(o, ...(meaningfulSpis(o.ahspi) === undefined ? ['ahspi' as const] : []), ...(o.ahlen === 0 ? ['ahlen' as const] : [])),
  list: (o) => {
    const length = o.ahlen === undefined ? '' : `length:${isNot(o.ahlen) ? '!' : ''}${bare(o.ahlen)}`;
    return ` ah ${listSpis(o.ahspi)}${length}${o.ahres === true ? ' reserved' : ''}`;
  },
});
