// -m hbh: the IPv6 hop-by-hop header (linux/netfilter_ipv6/ip6t_opts.h, struct ip6t_opts; libip6t_hbh.c).
import { match, notOption, type OptionsOf, option } from './codec.ts';
import { headerOptions, headerRevision, listHeader, type OptionsHeader } from './ipv6-options.ts';
import { unsigned } from './values.ts';

const options = { 'hbh-len': notOption(unsigned(0xffffffff)), 'hbh-opts': option(headerOptions) } as const;
type Options = OptionsOf<typeof options>;

const headerOf = (o: Options): OptionsHeader => ({ len: o.hbhLen, opts: o.hbhOpts });

export const hbh = match('hbh', {
  family: 'ip6',
  options,
  revisions: [
    headerRevision<Options>(headerOf, ({ len, opts }) => ({
      ...(len === undefined ? {} : { hbhLen: len }),
      ...(opts === undefined ? {} : { hbhOpts: opts }),
    })),
  ],
  list: (o) => listHeader('hbh', headerOf(o)),
});
