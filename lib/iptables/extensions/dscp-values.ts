// Values of the DiffServ codepoint as -m dscp and -j DSCP take them: numbers, or classes of RFC 2474, 2597 and 3246 (dscp_helper.c).
import { type Value, ValueError } from './codec.ts';
import { hex2 } from './tos-values.ts';
import { unsigned } from './values.ts';

/** XT_DSCP_MAX. */
export const DSCP_MAX = 0x3f;

const classes = {
  ...{ CS0: 0x00, CS1: 0x08, CS2: 0x10, CS3: 0x18, CS4: 0x20, CS5: 0x28, CS6: 0x30, CS7: 0x38, BE: 0x00 },
  ...{ AF11: 0x0a, AF12: 0x0c, AF13: 0x0e, AF21: 0x12, AF22: 0x14, AF23: 0x16 },
  ...{ AF31: 0x1a, AF32: 0x1c, AF33: 0x1e, AF41: 0x22, AF42: 0x24, AF43: 0x26, EF: 0x2e },
} as const;
export type DscpClass = keyof typeof classes;

/** 0 to 63, printed as two hex digits. */
export const dscpValue: Value<number> = { parse: unsigned(DSCP_MAX).parse, format: (n) => [hex2(n)] };

/** A class in any case. The real tools take a word that merely begins with one, `CS12` for CS1; it is refused here. */
export const dscpClass: Value<number> = {
  parse: ([word]) => {
    const upper = (word as string).toUpperCase();
    if (!Object.hasOwn(classes, upper)) throw new ValueError(`Invalid DSCP value \`${word}'`);
    return classes[upper as DscpClass];
  },
  format: dscpValue.format,
};
