// -m ipcomp (linux/netfilter/xt_ipcomp.h, struct xt_ipcomp; libxt_ipcomp.c). That it needs -p ipcomp is the kernel's to say.
import { flag, isNot, match, type OptionsOf } from './codec.ts';
import { onlyBits, type Reading, without } from './option-values.ts';
import { INV_SPI, listSpis, meaningfulSpis, readSpis, spiOption, writeSpis } from './spi.ts';

const options = { ipcompspi: spiOption, compres: flag() } as const;
type Options = OptionsOf<typeof options>;

/** Offsets behind __u32 spis[2]: __u8 invflags, hdrres. */
const INVERT = 8;
const RESERVED = 9;

export const ipcomp = match('ipcomp', {
  options,
  revisions: [
    {
      revision: 0,
      size: 12,
      write: (o, s) => {
        writeSpis(s, o.ipcompspi);
        s.setU8(INVERT, isNot(o.ipcompspi) ? INV_SPI : 0);
        s.setU8(RESERVED, o.compres === true ? 1 : 0);
      },
      read: (s) => {
        const out: Reading<Options> = {};
        const ipcompspi = readSpis(s, onlyBits(s.u8(INVERT), INV_SPI) !== 0);
        if (ipcompspi !== undefined) out.ipcompspi = ipcompspi;
        if (s.u8(RESERVED) !== 0) out.compres = true;
        return out;
      },
    },
  ],
  list: (o) => ` comp ${listSpis(o.ipcompspi)}${o.compres === true ? ' reserved' : ''}`,
  // Any SPI isn't printed, so none given is any, though iptables 1.8.9 then matches SPI 0.
  finish: (o) => (meaningfulSpis(o.ipcompspi) === undefined ? without(o, 'ipcompspi') : o),
});
