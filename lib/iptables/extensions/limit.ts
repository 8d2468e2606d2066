// -m limit (linux/netfilter/xt_limit.h, struct xt_rateinfo; libxt_limit.c).
import { match, option, type Value, ValueError } from './codec.ts';
import { unsigned } from './values.ts';

/** XT_LIMIT_SCALE: a rate is kept as the time between two packets, in 1/10000 seconds. */
const SCALE = 10000;
const units = [
  { name: 'day', word: 'day', period: SCALE * 86400 },
  { name: 'hour', word: 'hour', period: SCALE * 3600 },
  { name: 'min', word: 'minute', period: SCALE * 60 },
  { name: 'sec', word: 'second', period: SCALE },
] as const;
const MAX_PERIOD = 0xffffffff;

/** parse_rate: `number[/unit]`, the unit shortened as one likes. */
function periodOf(text: string): number {
  const exact = text.indexOf('@');
  if (exact >= 0) {
    const period = digits(text.slice(exact + 1));
    if (period > 0 && period <= MAX_PERIOD && printed(period) === text.slice(0, exact)) return period;
    throw new ValueError(`bad rate "${text}"`);
  }
  const slash = text.indexOf('/');
  const word = slash < 0 ? 's' : text.slice(slash + 1).toLowerCase();
  const rate = digits(slash < 0 ? text : text.slice(0, slash));
  const unit = word === '' ? undefined : units.find((u) => u.word.startsWith(word));
  if (unit === undefined || !(rate > 0)) throw new ValueError(`bad rate "${text}"`);
  const period = Math.floor(unit.period / rate);
  // The kernel counts no finer than the scale.
  if (period === 0) throw new ValueError(`Rate too fast "${text}"`);
  return period;
}

function digits(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 48 || text.charCodeAt(i) > 57) return Number.NaN;
  return text === '' ? Number.NaN : Number(text);
}

/** print_rate: in the largest unit that doesn't lose much. */
function printed(period: number): string {
  let unit: (typeof units)[number] = units[0];
  for (const next of units.slice(1)) {
    if (period > next.period || Math.floor(next.period / period) < next.period % period) break;
    unit = next;
  }
  return `${Math.floor(unit.period / period)}/${unit.name}`;
}

/** As printed; a period no rate gives back is kept after an @: `7/min@85713`. */
function canonical(period: number): string {
  const text = printed(period);
  return period === 0 || safePeriod(text) !== period ? `${text}@${period}` : text;
}

function safePeriod(text: string): number | undefined {
  try {
    return periodOf(text);
  } catch {
    return undefined;
  }
}

const rate: Value<string> = {
  parse: ([word]) => canonical(periodOf(word as string)),
  format: (v) => [v.includes('@') ? v.slice(0, v.indexOf('@')) : v],
};

const BURST = 5;
/** Offsets in struct xt_rateinfo: __u32 avg, burst; then the kernel's: unsigned long prev; __u32 credit, credit_cap, cost; struct xt_limit_priv *master. */
export const LIMIT = { avg: 0, burst: 4, size: 40 } as const;

export const limit = match('limit', {
  options: { limit: option(rate), 'limit-burst': option(unsigned(10000)) },
  revisions: [
    {
      revision: 0,
      size: LIMIT.size,
      kernelPrivate: [[8, LIMIT.size]],
      write: (o, s) => {
        s.setU32(LIMIT.avg, periodOf(o.limit ?? '3/hour'));
        s.setU32(LIMIT.burst, o.limitBurst ?? BURST);
      },
      read: (s) => ({ limit: canonical(s.u32(LIMIT.avg)), limitBurst: s.u32(LIMIT.burst) }),
    },
  ],
  finish: (o) => (o.limit === undefined || o.limitBurst === undefined ? { limit: '3/hour', limitBurst: BURST, ...o } : o),
  print: (o, c) => {
    const words = ['--limit', ...rate.format(o.limit ?? '3/hour', c)];
    return o.limitBurst === undefined || o.limitBurst === BURST ? words : [...words, '--limit-burst', String(o.limitBurst)];
  },
});
