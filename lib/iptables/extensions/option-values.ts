// Small helpers for codecs: options that `!` may invert apart from their value, and options left out.
import { isNot, type Not, ValueError } from './codec.ts';
import type { Struct } from './struct.ts';

/** An options object while it is read from bytes. */
export type Reading<O> = { -readonly [K in keyof O]: O[K] };

/** The value, inverted or not. */
export function bare<T>(option: Not<T>): T {
  return (isNot(option) ? option.not : option) as T;
}

export function withNot<T>(value: T, inverted: boolean): Not<T> {
  return inverted ? { not: value } : value;
}

/** `options` without those of `keys` that say nothing. */
export function without<O extends object>(options: O, ...keys: readonly (keyof O)[]): O {
  const out = { ...options };
  for (const key of keys) delete out[key];
  return out;
}

/** `bits`, refused where one is set that no option stands for: what was read would print as another rule. */
export function onlyBits(bits: number, known: number, what = 'the bits'): number {
  const others = (bits & ~known) >>> 0;
  if (others !== 0) throw new ValueError(`no option stands for ${what} 0x${others.toString(16)}`);
  return bits;
}

/** Refuses a struct that asks for nothing, which the option's own rules don't allow. */
export function notEmpty<O extends object>(options: O): O {
  if (Object.keys(options).length === 0) throw new ValueError('no option is asked for');
  return options;
}

/** Text in a field that must end before the field does: no option can say text as long as that, nor of two lines. */
export function endedText(s: Struct, at: number, size: number): string {
  const end = s.bytes.indexOf(0, at);
  if (end < 0 || end >= at + size) throw new ValueError(`text of ${size} bytes has no end`);
  return oneLine(s.text(at, size));
}

/** Refuses text of two lines: its end of a line would end the line of save text, in the middle of the rule. */
export function oneLine(text: string): string {
  if (text.includes('\n')) throw new ValueError('text of two lines could not be read back from save text');
  return text;
}

/** Refuses two options that exclude each other. */
export function exclusive<O extends object>(options: O, first: keyof O & string, second: keyof O & string): void {
  if (options[first] !== undefined && options[second] !== undefined)
    throw new ValueError(`option "${longName(first)}" cannot be used together with "${longName(second)}"`);
}
/** Refuses to do without an option. */
export function mandatory<O extends object, K extends keyof O & string>(
  options: O,
  ...keys: readonly K[]
): asserts options is O & Required<Pick<O, K>> {
  const missing = keys.find((key) => options[key] === undefined);
  if (missing !== undefined) throw new ValueError(`option "${longName(missing)}" must be specified`);
}
/** `--set-mark` of `setMark`. */
function longName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
}
