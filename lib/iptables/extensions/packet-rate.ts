// Rates of packets, `number[/second|minute|hour|day]`, as -m limit and -m hashlimit keep them: the time between two packets, in parts of
// a second (parse_rate and print_rate of libxt_limit.c, libxt_hashlimit.c).
import { ValueError } from './codec.ts';

/** Largest first. */
const units = [
  { name: 'day', word: 'day', seconds: 86400 },
  { name: 'hour', word: 'hour', seconds: 3600 },
  { name: 'min', word: 'minute', seconds: 60 },
  { name: 'sec', word: 'second', seconds: 1 },
] as const;
type Unit = (typeof units)[number];

/** A rate as it was written. */
export interface WrittenRate {
  readonly packets: number;
  /** Of the unit. */
  readonly seconds: number;
}

/** The unit may be shortened as one likes; without one it is a second. */
export function parseRate(text: string): WrittenRate {
  const slash = text.indexOf('/');
  const word = slash < 0 ? 's' : text.slice(slash + 1).toLowerCase();
  const packets = digits(slash < 0 ? text : text.slice(0, slash));
  const unit = word === '' ? undefined : units.find((u) => u.word.startsWith(word));
  if (unit === undefined || !(packets > 0)) throw new ValueError(`bad rate "${text}"`);
  return { packets, seconds: unit.seconds };
}
function digits(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 48 || text.charCodeAt(i) > 57) return Number.NaN;
  return text === '' ? Number.NaN : Number(text);
}

export interface PacketRate {
  /** Of a rate as it is written, or in the canonical form. */
  periodOf(text: string): number;
  /** As the save commands print it; a period no rate gives back is kept after an @: `7/min@85713`. */
  canonical(period: number): string;
  /** As the save commands print it. */
  printed(period: number): string;
  /** Seconds of the unit it is printed in. */
  printedUnit(period: number): number;
}

/** `scale`: parts of a second; `max`: the longest period there is room for. */
export function packetRate(scale: number, max: number): PacketRate {
  function periodOf(text: string): number {
    const exact = text.indexOf('@');
    if (exact >= 0) {
      const period = digits(text.slice(exact + 1));
      if (period > 0 && period <= max && printed(period) === text.slice(0, exact)) return period;
      throw new ValueError(`bad rate "${text}"`);
    }
    const { packets, seconds } = parseRate(text);
    const period = Math.floor((seconds * scale) / packets);
    // The kernel counts no finer than the scale.
    if (period === 0) throw new ValueError(`Rate too fast "${text}"`);
    return period;
  }
  /** In the largest unit that doesn't lose much. */
  function unitOf(period: number): Unit {
    let unit: Unit = units[0];
    for (const next of units.slice(1)) {
      const whole = next.seconds * scale;
      if (period > whole || Math.floor(whole / period) < whole % period) break;
      unit = next;
    }
    return unit;
  }
  function printed(period: number): string {
    const { name, seconds } = unitOf(period);
    return `${Math.floor((seconds * scale) / period)}/${name}`;
  }
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
  return { periodOf, canonical, printed, printedUnit: (period) => unitOf(period).seconds };
}

/** The canonical form as it is printed. */
export function rateText(canonical: string): string {
  const exact = canonical.indexOf('@');
  return exact < 0 ? canonical : canonical.slice(0, exact);
}
