// Rates of bytes, `512kb/s`, as -m hashlimit keeps them: the cost of 16 bytes (libxt_hashlimit.c, parse_bytes and print_bytes;
// xt_hashlimit.c, user2rate_bytes).
import { ValueError } from './codec.ts';

const U32_MAX = 0xffffffff;
/** XT_HASHLIMIT_BYTE_SHIFT. */
const STEP = 16;
const units = [
  { name: 'm', bytes: 1048576 },
  { name: 'k', bytes: 1024 },
  { name: '', bytes: 1 },
] as const;

export interface ByteRate {
  readonly cost: number;
  /** A second, as exactly as the cost says. */
  readonly bytes: number;
}

export function isByteRate(text: string): boolean {
  return text.includes('b/');
}

/**
 * A rate as it is written, or in the canonical form. What the real tools read for other units than k and m, or for another time than a
 * second, isn't what is written; it is refused. They refuse `0b/s`, which they print for less than 16: here it can be read back.
 */
export function byteRate(text: string): ByteRate {
  const [, written = '', exact] = /^([^@]*)(?:@([0-9]+))?$/.exec(text) ?? [];
  if (exact !== undefined) {
    const cost = Number(exact);
    if (cost > U32_MAX || printed(cost) !== written) throw new ValueError(`bad rate "${text}"`);
    return { cost, bytes: bytesOf(cost) };
  }
  const [, number, unit = '', time = ''] = /^([0-9]+)([km]?)b\/([a-z]+)$/i.exec(written) ?? [];
  const factor = units.find(({ name }) => name === unit)?.bytes;
  if (number === undefined || factor === undefined || !'second'.startsWith(time.toLowerCase())) throw new ValueError(`bad rate "${text}"`);
  const cost = costOf(Number(number) * factor);
  if (cost === 0) throw new ValueError(`Rate too high "${text}"`);
  return { cost, bytes: bytesOf(cost) };
}

function costOf(bytes: number): number {
  return Math.floor(U32_MAX / (Math.floor(bytes / STEP) + 1));
}
function bytesOf(cost: number): number {
  return ((cost === 0 ? U32_MAX : Math.floor(U32_MAX / cost)) - 1) * STEP;
}

/** In the largest unit that has the same cost; of more than 32 bits the real tools find none. */
function printed(cost: number): string {
  const bytes = bytesOf(cost);
  const { name, bytes: unit } =
    units.find((u) => u.bytes === 1 || (bytes >= u.bytes && bytes <= U32_MAX && costOf(bytes - (bytes % u.bytes)) === cost)) ?? units[2];
  return `${Math.floor(bytes / unit)}${name}b/s`;
}
/** As it is printed; a cost no rate gives back is kept after an @. */
export function canonicalBytes(cost: number): string {
  const text = printed(cost);
  const [, number, unit] = /^([0-9]+)(.?)b/.exec(text) ?? [];
  const factor = units.find(({ name }) => name === unit)?.bytes ?? 1;
  return costOf(Number(number) * factor) === cost ? text : `${text}@${cost}`;
}

/** Bytes in the largest unit, what is over left out: `1mb`. */
export function bytesText(bytes: number): string {
  const { name, bytes: unit } = units.find((u) => bytes >= u.bytes) ?? units[2];
  return `${Math.floor(bytes / unit)}${name}b`;
}
