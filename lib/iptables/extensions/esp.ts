// -m esp (linux/netfilter/xt_esp.h, struct xt_esp; libxt_esp.c). That it needs -p esp is the kernel's to say.
import { match, type OptionsOf } from './codec.ts';
import { without } from './option-values.ts';
import { listSpis, meaningfulSpis, spiOption, spiRevision } from './spi.ts';

const options = { espspi: spiOption } as const;

export const esp = match('esp', {
  options,
  revisions: [
    spiRevision<OptionsOf<typeof options>>(
      (o) => o.espspi,
      (espspi) => (espspi === undefined ? {} : { espspi }),
    ),
  ],
  finish: (o) => (meaningfulSpis(o.espspi) === undefined ? without(o, 'espspi') : o),
  list: (o) => ` esp${o.espspi === undefined ? '' : ` ${listSpis(o.espspi)}`}`,
});
