// -m physdev (linux/netfilter/xt_physdev.h, struct xt_physdev_info; libxt_physdev.c).
import { isNot, match, notFlag, notOption, type OptionsOf, ValueError } from './codec.ts';
import { interfacePattern, readPattern, writePattern } from './interface-pattern.ts';
import { bare, notEmpty, onlyBits, type Reading, withNot } from './option-values.ts';

/** In the order the save commands print. */
const options = {
  'physdev-is-in': notFlag(),
  'physdev-in': notOption(interfacePattern),
  'physdev-is-out': notFlag(),
  'physdev-out': notOption(interfacePattern),
  'physdev-is-bridged': notFlag(),
} as const;
type Options = OptionsOf<typeof options>;

/** Offsets: char physindev[16], in_mask[16], physoutdev[16], out_mask[16]; __u8 invert, bitmask. */
const INVERT = 64;
const BITMASK = 65;
/** XT_PHYSDEV_OP_*, in the order printed. */
const operations = [
  { key: 'physdevIsIn', long: 'physdev-is-in', bit: 0x08 },
  { key: 'physdevIn', long: 'physdev-in', bit: 0x01, at: 0 },
  { key: 'physdevIsOut', long: 'physdev-is-out', bit: 0x10 },
  { key: 'physdevOut', long: 'physdev-out', bit: 0x02, at: 32 },
  { key: 'physdevIsBridged', long: 'physdev-is-bridged', bit: 0x04 },
] as const;

export const physdev = match('physdev', {
  options,
  revisions: [
    {
      revision: 0,
      size: 66,
      write: (o, s) => {
        let given = 0;
        let inverted = 0;
        for (const { key, bit, ...field } of operations) {
          const value = o[key];
          if (value === undefined) continue;
          given |= bit;
          if (isNot(value)) inverted |= bit;
          if ('at' in field) writePattern(s, field.at, bare(value as string));
        }
        s.setU8(INVERT, inverted);
        s.setU8(BITMASK, given);
      },
      read: (s) => {
        const given = onlyBits(s.u8(BITMASK), 0x1f);
        const inverted = onlyBits(s.u8(INVERT), given);
        const out: Reading<Options> = {};
        for (const field of operations) {
          if ((given & field.bit) === 0) continue;
          const not = (inverted & field.bit) !== 0;
          if ('at' in field) out[field.key] = withNot(readPattern(s, field.at), not);
          else out[field.key] = withNot<true>(true, not);
        }
        return notEmpty(out);
      },
    },
  ],
  finish: (o) => {
    if (operations.every(({ key }) => o[key] === undefined)) throw new ValueError('no physdev option specified');
    return o;
  },
  list: (o) => {
    let out = ' PHYSDEV match';
    for (const { key, long } of operations) {
      const value = o[key];
      if (value === undefined) continue;
      const name = bare<string | true>(value);
      out += `${isNot(value) ? ' !' : ''} --${long}${name === true ? '' : ` ${name}`}`;
    }
    return out;
  },
});
