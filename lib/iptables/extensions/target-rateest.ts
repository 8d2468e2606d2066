// -j RATEEST (linux/netfilter/xt_RATEEST.h; libxt_RATEEST.c). Times are microseconds here.
import { type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { name } from './values.ts';

const NAME_SIZE = 16;
const SECOND = 1_000_000;
/** The interval is 2^n quarters of a second; the struct has n - 2. */
const QUARTER = SECOND / 4;
const LARGEST_INTERVAL = 5;
const U32_MAX = 0xffffffff;

const units: Readonly<Record<string, number>> = {
  ...{ '': 1, us: 1, usec: 1, usecs: 1, ms: 1000, msec: 1000, msecs: 1000, s: SECOND, sec: SECOND, secs: SECOND },
};

/** A number with a unit in any case, without one microseconds. */
const time: Value<number> = {
  parse: ([word]) => {
    const [, digits = '', unit = ''] = /^\s*\+?(0x[0-9a-f]+|(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)([a-z]*)$/i.exec(word as string) ?? [];
    const factor = digits === '' ? undefined : units[unit.toLowerCase()];
    if (factor === undefined) throw new ValueError(`bad time value "${word}"`);
    const microseconds = Math.trunc(Number(digits) * factor);
    if (microseconds > U32_MAX) throw new ValueError(`time value "${word}" is too large`);
    return microseconds;
  },
  format: (microseconds) => [formatTime(microseconds)],
};

function formatTime(microseconds: number): string {
  if (microseconds >= SECOND) return `${(microseconds / SECOND).toFixed(1)}s`;
  return microseconds >= 1000 ? `${(microseconds / 1000).toFixed(1)}ms` : `${microseconds}us`;
}

const options = { 'rateest-name': option(name(NAME_SIZE - 1)), 'rateest-interval': option(time), 'rateest-ewmalog': option(time) };
type Options = OptionsOf<typeof options>;

/** The smallest interval the struct can say that is no shorter. */
function intervalLog(microseconds: number): number {
  const log = Math.ceil(Math.log2(Math.max(microseconds, QUARTER) / QUARTER));
  if (log > LARGEST_INTERVAL) throw new ValueError('interval value is too large');
  return log;
}
/** The largest weight 1 - 2^-n whose time constant is no longer than `ewma`. */
function ewmaLog(interval: number, ewma: number): number {
  let log = 1;
  while (log < 31 && interval / -Math.log(1 - 2 ** -log) <= ewma) log++;
  if (log === 1 || log === 31) throw new ValueError('ewmalog value is out of range');
  return log - 1;
}

export const RATEEST = target('RATEEST', {
  options,
  revisions: [
    {
      // struct xt_rateest_target_info: char name[16]; __s8 interval; __u8 ewma_log; struct xt_rateest *est
      revision: 0,
      size: 32,
      kernelPrivate: [[24, 32]],
      write: ({ rateestName = '', rateestInterval = 0, rateestEwmalog = 0 }, s) => {
        s.setText(0, NAME_SIZE, rateestName);
        s.setU8(16, (intervalLog(rateestInterval) - 2) & 0xff);
        s.setU8(17, Math.log2(rateestEwmalog / rateestInterval));
      },
      read: (s): Options => {
        const interval = ((s.u8(16) << 24) >> 24) + 2;
        const ewma = s.u8(17);
        const rateestInterval = QUARTER * 2 ** interval;
        const rateestEwmalog = rateestInterval * 2 ** ewma;
        if (interval < 0 || interval > LARGEST_INTERVAL || ewma === 0 || rateestEwmalog > U32_MAX) {
          throw new ValueError(`no option stands for the interval ${interval - 2} with the weight ${ewma}`);
        }
        return { rateestName: endedText(s, 0, NAME_SIZE), rateestInterval, rateestEwmalog };
      },
    },
  ],
  list: ({ rateestName, rateestInterval = 0, rateestEwmalog = 0 }) =>
    ` name ${rateestName} interval ${formatTime(rateestInterval)} ewmalog ${formatTime(rateestEwmalog)}`,
  finish: (o) => {
    mandatory(o, 'rateestName', 'rateestInterval', 'rateestEwmalog');
    const { rateestName, rateestInterval, rateestEwmalog } = o;
    const interval = QUARTER * 2 ** intervalLog(rateestInterval);
    const ewma = interval * 2 ** ewmaLog(rateestInterval, rateestEwmalog);
    // The real save prints what 32 bits keep of it.
    if (ewma > U32_MAX) throw new ValueError(`ewmalog value would become ${formatTime(ewma)}, which is too large`);
    return { rateestName, rateestInterval: interval, rateestEwmalog: ewma };
  },
});
