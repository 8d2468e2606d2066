// -m esp (linux/netfilter/xt_esp.h, struct xt_esp; libxt_esp.c). That it needs -p esp is the kernel's to say.
import { isNot, match } from './codec.ts';
import { onlyBits, without } from './option-values.ts';
import { listSpis, meaningfulSpis, readSpis, spiOption, writeSpis } from './spi.ts';

/** Offset behind __u32 spis[2]. */
const INVERT = 8;
const INV_SPI = 0x01;

export const esp = match('esp', {
  options: { espspi: spiOption },
  revisions: [
    {
      revision: 0,
      size: 12,
      write: (o, s) => {
        writeSpis(s, o.espspi);
        s.setU8(INVERT, isNot(o.espspi) ? INV_SPI : 0);
      },
      read: (s) => {
        const espspi = readSpis(s, onlyBits(s.u8(INVERT), INV_SPI) !== 0);
        return espspi === undefined ? {} : { espspi };
      },
    },
  ],
  finish: (o) => (meaningfulSpis(o.espspi) === undefined ? without(o, 'espspi') : o),
  list: (o) => ` esp${o.espspi === undefined ? '' : ` ${listSpis(o.espspi)}`}`,
});
