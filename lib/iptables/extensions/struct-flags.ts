// Structs that have a bit for each option that is given, and another in a second field where `!` stands before it.
import { isNot, ValueError } from './codec.ts';

/** The bits of the options that are there, and of those that are inverted. */
export function flagsOf(options: readonly (readonly [option: unknown, bit: number])[]): {
  readonly flags: number;
  readonly inverted: number;
} {
  let flags = 0;
  let inverted = 0;
  for (const [option, bit] of options) {
    if (option === undefined) continue;
    flags |= bit;
    if (isNot(option)) inverted |= bit;
  }
  return { flags, inverted };
}

/** Refuses bits no option stands for, and an inversion of what isn't there. */
export function checkFlags(flags: number, known: number, inverted: number, invertible: number): void {
  if ((flags & ~known) !== 0) throw new ValueError(`no option stands for the flags 0x${flags.toString(16)}`);
  if ((inverted & ~(flags & invertible)) !== 0) throw new ValueError(`no option stands for the inversions 0x${inverted.toString(16)}`);
}
