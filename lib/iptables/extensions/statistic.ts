// -m statistic (linux/netfilter/xt_statistic.h; libxt_statistic.c).
import { isNot, match, notOption, type OptionsOf, option, type Value, ValueError } from './codec.ts';
import { listed } from './listed.ts';
import { oneOf } from './one-of.ts';
import { bare, exclusive, mandatory, onlyBits, withNot, without } from './option-values.ts';
import { unsigned } from './values.ts';

/** The kernel compares 31 random bits. */
const ONE = 0x80000000;

/** Rounded to the kernel's steps of 2^-31. */
const probability: Value<number> = {
  parse: ([word]) => {
    const p = /^\+?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?$/i.test(word as string) ? Number(word) : -1;
    if (p < 0 || p > 1) throw new ValueError('bad value, or out of range (0-1)');
    return Math.round(p * ONE) / ONE;
  },
  format: (p) => [format(p)],
};

/** %.11f of C. */
function format(p: number): string {
  const steps = Math.round(p * ONE);
  // Halfway between two numbers of 11 digits C takes the even one, toFixed the greater.
  if ((steps & 0xfffff) === 0x80000) {
    const below = (BigInt(steps) * 5n ** 11n) >> 20n;
    if (below % 2n === 0n) return `0.${String(below).padStart(11, '0')}`;
  }
  return p.toFixed(11);
}

const options = {
  mode: option(oneOf('mode', ['random', 'nth'])),
  probability: notOption(probability),
  every: notOption(unsigned(0xffffffff, 1)),
  packet: option(unsigned(0xffffffff)),
} as const;

const MODE = 0;
const FLAGS = 2;
const U = 4;
const INVERT = 1;

export const statistic = match('statistic', {
  options,
  revisions: [
    {
      // __u16 mode, flags; union { __u32 probability; struct { __u32 every, packet, count } nth }; struct xt_statistic_priv *master
      revision: 0,
      size: 24,
      kernelPrivate: [[12, 24]],
      write: (o, s) => {
        s.setU16(MODE, o.mode === 'nth' ? 1 : 0);
        s.setU16(FLAGS, isNot(o.probability) || isNot(o.every) ? INVERT : 0);
        if (o.probability !== undefined) s.setU32(U, Math.round(bare(o.probability) * ONE));
        // The kernel counts from 0.
        if (o.every !== undefined) s.setU32(U, bare(o.every) - 1);
        if (o.packet !== undefined) s.setU32(U + 4, o.packet);
        // The kernel counts by itself; the real program writes how many packets are left, in either mode.
        s.setU32(U + 8, s.u32(U) - s.u32(U + 4));
      },
      read: (s): OptionsOf<typeof options> => {
        onlyBits(s.u16(MODE), 1, 'mode');
        const inverted = (s.u16(FLAGS) & INVERT) !== 0;
        if (s.u16(MODE) === 0) {
          if (s.u32(U) > ONE) throw new ValueError(`${s.u32(U)} is no probability`);
          return { mode: 'random', probability: withNot(s.u32(U) / ONE, inverted) };
        }
        if (s.u32(U + 4) > s.u32(U)) throw new ValueError('the packet is behind those that are counted');
        return { mode: 'nth', every: withNot(s.u32(U) + 1, inverted), packet: s.u32(U + 4) };
      },
    },
  ],
  // The first packet isn't listed.
  list: (o, c) => ` statistic${listed(options, o.packet === 0 ? without(o, 'packet') : o, c)}`,
  finish: (o) => {
    mandatory(o, 'mode');
    for (const key of ['every', 'packet'] as const) exclusive(o, 'probability', key);
    if (o.every !== undefined && o.packet === undefined) throw new ValueError('option "--every" also requires "--packet"');
    if (o.mode === 'random' && o.probability === undefined) throw new ValueError('--probability must be specified when using random mode');
    if (o.mode === 'nth' && o.every === undefined) throw new ValueError('--every must be specified when using nth mode');
    if (o.every !== undefined && (o.packet ?? 0) >= bare(o.every)) throw new ValueError('the --packet p must be 0 <= p <= n-1');
    return o;
  },
});
