// -m limit (linux/netfilter/xt_limit.h, struct xt_rateinfo; libxt_limit.c).
import { match, option, type Value, ValueError } from './codec.ts';
import { packetRate, rateText } from './packet-rate.ts';
import { unsigned } from './values.ts';

/** XT_LIMIT_SCALE, and __u32 avg. */
const { canonical, periodOf } = packetRate(10000, 0xffffffff);

const BURST_MAX = 10000;

const rate: Value<string> = {
  parse: ([word]) => canonical(periodOf(word as string)),
  format: (v) => [rateText(v)],
};

const BURST = 5;
/**
 * Offsets in struct xt_rateinfo: __u32 avg, burst; then the kernel's: unsigned long prev; __u32 credit, credit_cap, cost;
 * struct xt_limit_priv *master.
 */
export const LIMIT = { avg: 0, burst: 4, size: 40 } as const;

export const limit = match('limit', {
  options: { limit: option(rate), 'limit-burst': option(unsigned(BURST_MAX)) },
  revisions: [
    {
      revision: 0,
      size: LIMIT.size,
      kernelPrivate: [[8, LIMIT.size]],
      write: (o, s) => {
        s.setU32(LIMIT.avg, periodOf(o.limit ?? '3/hour'));
        s.setU32(LIMIT.burst, o.limitBurst ?? BURST);
      },
      read: (s) => {
        const [period, limitBurst] = [s.u32(LIMIT.avg), s.u32(LIMIT.burst)];
        if (period === 0 || limitBurst > BURST_MAX) throw new ValueError(`no options stand for period ${period} and burst ${limitBurst}`);
        return { limit: canonical(period), limitBurst };
      },
    },
  ],
  finish: (o) => (o.limit === undefined || o.limitBurst === undefined ? { limit: '3/hour', limitBurst: BURST, ...o } : o),
  list: ({ limit = '3/hour', limitBurst = BURST }) => ` limit: avg ${rateText(limit)} burst ${limitBurst}`,
  print: (o, c) => {
    const words = ['--limit', ...rate.format(o.limit ?? '3/hour', c)];
    return o.limitBurst === undefined || o.limitBurst === BURST ? words : [...words, '--limit-burst', String(o.limitBurst)];
  },
});
