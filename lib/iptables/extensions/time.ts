// -m time (linux/netfilter/xt_time.h, struct xt_time_info; libxt_time.c). Times are UTC unless --kerneltz.
import { flag, isNot, match, type Not, notOption, type OptionsOf, option, type Value, ValueError } from './codec.ts';
import { bare, exclusive, onlyBits, type Reading, without } from './option-values.ts';
import { parseUnsigned } from './values.ts';

const names = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const;
export type Weekday = (typeof names)[number];

const two = (n: number): string => String(n).padStart(2, '0');

/** strtoul with base 10: no digits at all are 0. */
function decimal(text: string, max: number): number | undefined {
  return /^[0-9]*$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

const LAST_SECOND = 86399;
/** Seconds of `hh:mm[:ss]`. */
function secondsOf(word: string): number {
  const parts = word.split(':');
  const [hour, minute, second] = [decimal(parts[0] ?? '', 23), decimal(parts[1] ?? '', 59), decimal(parts[2] ?? '', 59)];
  if (parts.length < 2 || parts.length > 3 || hour === undefined || minute === undefined || second === undefined)
    throw new ValueError(`invalid time "${word}" specified, should be hh:mm[:ss] format and within the boundaries`);
  return 3600 * hour + 60 * minute + second;
}
function timeText(seconds: number): string {
  return `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
/** hh:mm:ss. */
const daytime: Value<string> = { parse: ([word]) => timeText(secondsOf(word as string)), format: (v) => [v] };

/** The last second of 32 bits with a sign: no end. */
const NO_END = 0x7fffffff;
/** 2038-12-31T23:59:59, the last date the option takes. */
const LAST_DATE = 0x81c94aff;
/** Seconds of `YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`. A day or month of 0 is the last before, a day too many the first after (mktime). */
function dateSeconds(word: string): number {
  const [, year = '', , month = '1', , day = '1', , hour = '', , minute = '', , second = ''] =
    /^([0-9]+)(-([0-9]*)(-([0-9]*)(T([0-9]*)(:([0-9]*)(:([0-9]*))?)?)?)?)?$/.exec(word) ?? [];
  const limits = [
    [year, 2038],
    [month, 12],
    [day, 31],
    [hour, 23],
    [minute, 59],
    [second, 59],
  ] as const;
  if (Number(year) < 1970 || limits.some(([part, max]) => Number(part) > max))
    throw new ValueError(`Invalid date "${word}" specified. Should be YYYY[-MM[-DD[Thh[:mm[:ss]]]]]`);
  const [y, m, d, h, min, s] = limits.map(([part]) => Number(part)) as [number, number, number, number, number, number];
  const seconds = Date.UTC(y, m - 1, d, h, min, s) / 1000;
  if (seconds < 0) throw new ValueError(`"${word}" is before 1970`);
  return seconds;
}
function dateText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19);
}
/** YYYY-MM-DDThh:mm:ss. */
const date: Value<string> = { parse: ([word]) => dateText(dateSeconds(word as string)), format: (v) => [v] };

/** Segments between commas; one that is empty at the end is none. */
function segments(list: string): readonly string[] {
  const parts = list.split(',');
  return parts[parts.length - 1] === '' ? parts.slice(0, -1) : parts;
}

const monthdays: Value<readonly number[]> = {
  parse: ([word]) => {
    // Day 0, and nothing between two commas, stand for no day.
    const days = segments(word as string).map((part) => {
      const day = part === '' ? 0 : parseUnsigned(part, 31);
      if (day === undefined || part.length > 2) throw new ValueError(`${part} is not a valid day for --monthdays`);
      return day;
    });
    return monthdaysOf(days.reduce((mask, day) => mask | (1 << day), 0));
  },
  format: (days) => [days.join(',')],
};
const weekdays: Value<readonly Weekday[]> = {
  parse: ([word]) => {
    const given = segments(word as string).map((part) => {
      const number = part === '' ? 0 : parseUnsigned(part, 0xffffffff);
      if (number === 0) throw new ValueError('No, the week does NOT begin with Sunday.');
      // Two letters decide, what follows them doesn't matter.
      const day = number === undefined ? names.find((name) => part.startsWith(name.slice(0, 2))) : names[number - 1];
      if (day === undefined) throw new ValueError(`${part} is not a valid day specifier`);
      return day;
    });
    return names.filter((name) => given.includes(name));
  },
  format: (days) => [days.join(',')],
};
function monthdaysOf(mask: number): readonly number[] {
  return everyMonthday.filter((day) => (mask & (1 << day)) !== 0);
}
const everyMonthday: readonly number[] = Array.from({ length: 31 }, (_, i) => i + 1);

/** In the order the save commands print. */
const options = {
  timestart: option(daytime),
  timestop: option(daytime),
  monthdays: notOption(monthdays),
  weekdays: notOption(weekdays),
  datestart: option(date),
  datestop: option(date),
  kerneltz: flag(),
  localtz: flag(),
  utc: flag(),
  contiguous: flag(),
} as const;
type Options = OptionsOf<typeof options>;

/** Offsets: __u32 date_start, date_stop, daytime_start, daytime_stop, monthdays_match; __u8 weekdays_match, flags. */
const DATE_START = 0;
const DATE_STOP = 4;
const DAYTIME_START = 8;
const DAYTIME_STOP = 12;
const MONTHDAYS = 16;
const WEEKDAYS = 20;
const FLAGS = 21;
const ALL_MONTHDAYS = 0xfffffffe;
const ALL_WEEKDAYS = 0xfe;
/** XT_TIME_LOCAL_TZ, _CONTIGUOUS. */
const LOCAL_TZ = 1 << 0;
const CONTIGUOUS = 1 << 1;

/** The days meant, or undefined for all of them. */
function chosen<T>(given: Not<readonly T[]> | undefined, all: readonly T[]): readonly T[] | undefined {
  if (given === undefined) return undefined;
  const days = bare(given);
  const meant = isNot(given) ? all.filter((day) => !days.includes(day)) : days;
  return meant.length === all.length ? undefined : meant;
}

/** Without what says nothing. */
function canonical(o: Options): Options {
  const out: Reading<Options> = {};
  if (o.timestart !== undefined && secondsOf(o.timestart) !== 0) out.timestart = o.timestart;
  if (o.timestop !== undefined && secondsOf(o.timestop) !== LAST_SECOND) out.timestop = o.timestop;
  const days = chosen(o.monthdays, everyMonthday);
  if (days !== undefined) out.monthdays = days;
  const week = chosen(o.weekdays, names);
  if (week !== undefined) out.weekdays = week;
  if (o.datestart !== undefined && dateSeconds(o.datestart) !== 0) out.datestart = o.datestart;
  if (o.datestop !== undefined && dateSeconds(o.datestop) !== NO_END) out.datestop = o.datestop;
  if (o.kerneltz === true || o.localtz === true) out.kerneltz = true;
  if (o.contiguous === true) out.contiguous = true;
  return out;
}
function daytimes(o: Options): readonly [start: number, stop: number] {
  return [o.timestart === undefined ? 0 : secondsOf(o.timestart), o.timestop === undefined ? LAST_SECOND : secondsOf(o.timestop)];
}
const ordinals = ['th', 'st', 'nd', 'rd'] as const;
/** As the real program has them: 11st too. */
const ordinal = (day: number): string => `${day}${ordinals[day % 10] ?? 'th'}`;

export const time = match('time', {
  options,
  revisions: [
    {
      revision: 0,
      size: 24,
      write: (o, s) => {
        const [start, stop] = daytimes(o);
        s.setU32(DATE_START, o.datestart === undefined ? 0 : dateSeconds(o.datestart));
        s.setU32(DATE_STOP, o.datestop === undefined ? NO_END : dateSeconds(o.datestop));
        s.setU32(DAYTIME_START, start);
        s.setU32(DAYTIME_STOP, stop);
        const days = chosen(o.monthdays, everyMonthday) ?? everyMonthday;
        s.setU32(MONTHDAYS, days.reduce((mask, day) => mask | (1 << day), 0) >>> 0);
        const week = chosen(o.weekdays, names) ?? names;
        s.setU8(
          WEEKDAYS,
          week.reduce((mask, day) => mask | (2 << names.indexOf(day)), 0),
        );
        s.setU8(FLAGS, (o.kerneltz === true ? LOCAL_TZ : 0) | (o.contiguous === true ? CONTIGUOUS : 0));
      },
      read: (s) => {
        const flags = onlyBits(s.u8(FLAGS), LOCAL_TZ | CONTIGUOUS);
        const [start, stop] = [s.u32(DAYTIME_START), s.u32(DAYTIME_STOP)];
        const dates = [s.u32(DATE_START), s.u32(DATE_STOP)] as const;
        if (start > LAST_SECOND || stop > LAST_SECOND) throw new ValueError(`a day has no second ${Math.max(start, stop)}`);
        if (Math.max(...dates) > LAST_DATE) throw new ValueError(`no option stands for the date ${dateText(Math.max(...dates))}`);
        if ((flags & CONTIGUOUS) !== 0 && start < stop) throw new ValueError('no option stands for a contiguous time within a day');
        return canonical({
          timestart: timeText(start),
          timestop: timeText(stop),
          monthdays: monthdaysOf(s.u32(MONTHDAYS)),
          weekdays: names.filter((_, i) => (s.u8(WEEKDAYS) & (2 << i)) !== 0),
          datestart: dateText(dates[0]),
          datestop: dateText(dates[1]),
          ...((flags & LOCAL_TZ) === 0 ? {} : { kerneltz: true }),
          ...((flags & CONTIGUOUS) === 0 ? {} : { contiguous: true }),
        });
      },
      // There is no day 0.
      canonical: (s) => {
        s.setU32(MONTHDAYS, (s.u32(MONTHDAYS) & ALL_MONTHDAYS) >>> 0);
        s.setU8(WEEKDAYS, s.u8(WEEKDAYS) & ALL_WEEKDAYS);
      },
    },
  ],
  finish: (o) => {
    exclusive(o, 'utc', 'kerneltz');
    exclusive(o, 'localtz', 'utc');
    const [start, stop] = daytimes(o);
    if (o.contiguous === true && start < stop)
      throw new ValueError('--contiguous only makes sense when stoptime is smaller than starttime');
    return canonical(o);
  },
  // Both times where one isn't the day's end, and the last date always.
  shown: (o) => {
    const times = o.timestart === undefined && o.timestop === undefined;
    const [start, stop] = daytimes(o);
    return {
      ...without(o, 'timestart', 'timestop'),
      ...(times ? {} : { timestart: timeText(start), timestop: timeText(stop) }),
      datestop: o.datestop ?? dateText(NO_END),
    };
  },
  list: (o) => {
    let out = ' TIME';
    const [start, stop] = daytimes(o);
    if (start !== 0 || stop !== LAST_SECOND) out += ` from ${timeText(start)} to ${timeText(stop)}`;
    if (o.weekdays !== undefined) out += ` on ${bare(o.weekdays).join(',')}`;
    if (o.monthdays !== undefined) out += ` on ${bare(o.monthdays).map(ordinal).join(',')}`;
    if (o.datestart !== undefined) out += ` starting from ${o.datestart.replace('T', ' ')}`;
    if (o.datestop !== undefined) out += ` until date${dateSeconds(o.datestop) === 0 ? '' : ` ${o.datestop.replace('T', ' ')}`}`;
    if (o.kerneltz === undefined) out += ' UTC';
    return o.contiguous === true ? `${out} contiguous` : out;
  },
});
