// -m dst: the IPv6 destination header (linux/netfilter_ipv6/ip6t_opts.h, struct ip6t_opts; libip6t_dst.c).
import { match, notOption, type OptionsOf, option } from './codec.ts';
import { headerOptions, headerRevision, listHeader, type OptionsHeader } from './ipv6-options.ts';
import { unsigned } from './values.ts';

const options = { 'dst-len': notOption(unsigned(0xffffffff)), 'dst-opts': option(headerOptions) } as const;
type Options = OptionsOf<typeof options>;

const headerOf = (o: Options): OptionsHeader => ({ len: o.dstLen, opts: o.dstOpts });

export const dst = match('dst', {
  family: 'ip6',
  options,
  revisions: [
    headerRevision<Options>(headerOf, ({ len, opts }) => ({
      ...(len === undefined ? {} : { dstLen: len }),
      ...(opts === undefined ? {} : { dstOpts: opts }),
    })),
  ],
  list: (o) => listHeader('dst', headerOf(o)),
});
