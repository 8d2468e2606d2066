// -m dccp (linux/netfilter/xt_dccp.h, struct xt_dccp_info; libxt_dccp.c). That it needs -p dccp is the kernel's to say.
import { isNot, match, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { listBothPorts, portOptions, readPorts, writePorts } from './flagged-ports.ts';
import { rangeParts } from './number-range.ts';
import { bare, onlyBits, type Reading, withNot } from './option-values.ts';
import { type Ports, portRange } from './ports.ts';
import { servicePort, unsigned } from './values.ts';
import { type BitWord, bitsOf, wordsOfBits } from './words-of-bits.ts';

const names = ['REQUEST', 'RESPONSE', 'DATA', 'ACK', 'DATAACK', 'CLOSEREQ', 'CLOSE', 'RESET', 'SYNC', 'SYNCACK', 'INVALID'] as const;
/** A packet type; INVALID is every one that has no name. */
export type DccpType = (typeof names)[number];

const INVALID = 0xfc00;
const table: readonly BitWord<DccpType>[] = names.map((word, i) => ({ word, bit: word === 'INVALID' ? INVALID : 1 << i }));

/** Whole names in any case; empty ones are skipped. */
const types: Value<readonly DccpType[]> = {
  parse: ([list]) => {
    let bits = 0;
    for (const word of (list as string).split(',')) {
      const type = table.find((entry) => entry.word === word.toUpperCase());
      if (type === undefined && word !== '') throw new ValueError(`Unknown DCCP type \`${word}'`);
      bits |= type?.bit ?? 0;
    }
    return wordsOfBits(table, bits);
  },
  format: (words) => [words.join(',')],
};

/** Decimal, or a service of any protocol: getaddrinfo(3). It takes 65536 for 0; that is refused here. */
function port(word: string): number {
  const n = /^[0-9]+$/.test(word) ? Number(word) : servicePort(word);
  if (n === undefined || n > 0xffff) throw new ValueError(`Port "${word}" does not resolve to anything`);
  return n;
}
const ports: Value<Ports> = {
  parse: ([word]) => {
    const [first, last = first] = rangeParts(word as string, port, 0, 0xffff);
    if (first > last) throw new ValueError(`Port range ${first}-${last} is negative`);
    return portRange(first, last);
  },
  format: (v) => [typeof v === 'number' ? String(v) : `${v[0]}:${v[1]}`],
};

/** In the order the save commands print. */
const options = { ...portOptions(ports), 'dccp-types': notOption(types), 'dccp-option': notOption(unsigned(255, 1)) } as const;

/** Offsets behind the ports: __u16 flags, invflags, typemask; __u8 option. */
const FLAGS = 8;
const INVERT = 10;
const TYPES = 12;
const OPTION = 14;
/** XT_DCCP_*. */
const TYPE_GIVEN = 0x04;
const OPTION_GIVEN = 0x08;

export const dccp = match('dccp', {
  options,
  revisions: [
    {
      revision: 0,
      size: 16,
      write: (o, s) => {
        let { given, inverted } = writePorts(o, s);
        for (const [option, bit] of [
          [o.dccpTypes, TYPE_GIVEN],
          [o.dccpOption, OPTION_GIVEN],
        ] as const) {
          if (option !== undefined) given |= bit;
          if (isNot(option)) inverted |= bit;
        }
        if (o.dccpTypes !== undefined) s.setU16(TYPES, bitsOf(table, bare<readonly DccpType[]>(o.dccpTypes)));
        if (o.dccpOption !== undefined) s.setU8(OPTION, bare(o.dccpOption));
        s.setU16(FLAGS, given);
        s.setU16(INVERT, inverted);
      },
      read: (s) => {
        const given = onlyBits(s.u16(FLAGS), 0x0f);
        const inverted = onlyBits(s.u16(INVERT), given);
        const out: Reading<OptionsOf<typeof options>> = readPorts(s, given, inverted);
        if ((given & TYPE_GIVEN) !== 0) {
          const unnamed = s.u16(TYPES) & INVALID;
          if (unnamed !== 0 && unnamed !== INVALID) throw new ValueError(`no word stands for the types 0x${unnamed.toString(16)}`);
          out.dccpTypes = withNot(wordsOfBits(table, s.u16(TYPES)), (inverted & TYPE_GIVEN) !== 0);
        }
        if ((given & OPTION_GIVEN) !== 0) {
          if (s.u8(OPTION) === 0) throw new ValueError('there is no option 0');
          out.dccpOption = withNot(s.u8(OPTION), (inverted & OPTION_GIVEN) !== 0);
        }
        return out;
      },
    },
  ],
  list: (o, { numeric }) => {
    let out = ` dccp${listBothPorts(o, 'dccp', numeric)}`;
    if (o.dccpTypes !== undefined) {
      const words = bare<readonly DccpType[]>(o.dccpTypes);
      const bits = bitsOf(table, words);
      const numbers = Array.from({ length: 16 }, (_, i) => i).filter((i) => (bits & (1 << i)) !== 0);
      out += `${isNot(o.dccpTypes) ? ' !' : ''} ${(numeric ? numbers : words).join(',')}`;
    }
    if (o.dccpOption !== undefined) out += ` option=${isNot(o.dccpOption) ? '!' : ''}${bare(o.dccpOption)}`;
    return out;
  },
});
