// -m tcp (linux/netfilter/xt_tcpudp.h, struct xt_tcp; libxt_tcp.c).
import { isNot, match, notOption, type OptionsOf, spelling, type Value, ValueError } from './codec.ts';
import { bare, type Reading, withNot, without } from './option-values.ts';
import { firstPort, isAnyPort, lastPort, type Ports, portRange, ports } from './ports.ts';
import { unsigned } from './values.ts';
import { type BitWord, bitsOf, bitWords, wordsOfBits } from './words-of-bits.ts';

export type TcpFlag = 'FIN' | 'SYN' | 'RST' | 'PSH' | 'ACK' | 'URG';
/** Of the flags in `mask`, those in `set` and no others must be set. */
export interface TcpFlags {
  readonly mask: readonly TcpFlag[];
  readonly set: readonly TcpFlag[];
}

const table: readonly BitWord<TcpFlag>[] = [
  { word: 'FIN', bit: 0x01 },
  { word: 'SYN', bit: 0x02 },
  { word: 'RST', bit: 0x04 },
  { word: 'PSH', bit: 0x08 },
  { word: 'ACK', bit: 0x10 },
  { word: 'URG', bit: 0x20 },
];
const ALL = 0x3f;

function parseFlags(list: string): readonly TcpFlag[] {
  let bits = 0;
  for (const word of list.split(',')) {
    const name = word.toUpperCase();
    const bit = name === 'ALL' ? ALL : name === 'NONE' ? 0 : table.find((entry) => entry.word === name)?.bit;
    // strtok of the real tool skips empty words.
    if (bit === undefined && word !== '') throw new ValueError(`Unknown TCP flag \`${word}'`);
    bits |= bit ?? 0;
  }
  return wordsOfBits(table, bits);
}

const listed = bitWords('TCP flag', table);
const formatFlags = (flags: readonly TcpFlag[], c: Parameters<typeof listed.format>[1]): readonly string[] =>
  flags.length === 0 ? ['NONE'] : listed.format(flags, c);

const flags: Value<TcpFlags> = {
  parse: ([mask, set]) => ({ mask: parseFlags(mask as string), set: parseFlags(set as string) }),
  format: ({ mask, set }, c) => [...formatFlags(mask, c), ...formatFlags(set, c)],
};
const syn: Value<TcpFlags> = {
  parse: () => ({ mask: ['FIN', 'SYN', 'RST', 'ACK'], set: ['SYN'] }),
  format: flags.format,
};

const options = {
  sport: notOption(ports),
  'source-port': spelling('sport', notOption(ports)),
  dport: notOption(ports),
  'destination-port': spelling('dport', notOption(ports)),
  'tcp-option': notOption(unsigned(255, 1)),
  'tcp-flags': { words: 2, value: flags, not: true },
  syn: spelling('tcp-flags', { words: 0, value: syn, not: true }),
} as const;

const INV_SRCPT = 0x01;
const INV_DSTPT = 0x02;
const INV_FLAGS = 0x04;
const INV_OPTION = 0x08;
const ANY: Ports = [0, 65535];

export const tcp = match('tcp', {
  options,
  protocols: [6],
  revisions: [
    {
      // __u16 spts[2], dpts[2]; __u8 option, flg_mask, flg_cmp, invflags
      revision: 0,
      size: 12,
      write: (o, s) => {
        const sport = o.sport === undefined ? ANY : bare(o.sport);
        const dport = o.dport === undefined ? ANY : bare(o.dport);
        s.setU16(0, firstPort(sport));
        s.setU16(2, lastPort(sport));
        s.setU16(4, firstPort(dport));
        s.setU16(6, lastPort(dport));
        if (o.tcpOption !== undefined) s.setU8(8, bare(o.tcpOption));
        if (o.tcpFlags !== undefined) {
          s.setU8(9, bitsOf(table, bare(o.tcpFlags).mask));
          s.setU8(10, bitsOf(table, bare(o.tcpFlags).set));
        }
        const ports = (isNot(o.sport) ? INV_SRCPT : 0) | (isNot(o.dport) ? INV_DSTPT : 0);
        s.setU8(11, ports | (isNot(o.tcpFlags) ? INV_FLAGS : 0) | (isNot(o.tcpOption) ? INV_OPTION : 0));
      },
      read: (s) => {
        const inv = s.u8(11);
        const out: Reading<OptionsOf<typeof options>> = {};
        if (s.u32(0) !== 0xffff0000 || (inv & INV_SRCPT) !== 0) out.sport = withNot(portRange(s.u16(0), s.u16(2)), (inv & INV_SRCPT) !== 0);
        if (s.u32(4) !== 0xffff0000 || (inv & INV_DSTPT) !== 0) out.dport = withNot(portRange(s.u16(4), s.u16(6)), (inv & INV_DSTPT) !== 0);
        if (s.u8(8) !== 0 || (inv & INV_OPTION) !== 0) out.tcpOption = withNot(s.u8(8), (inv & INV_OPTION) !== 0);
        if (s.u8(9) !== 0 || (inv & INV_FLAGS) !== 0) {
          out.tcpFlags = withNot({ mask: wordsOfBits(table, s.u8(9)), set: wordsOfBits(table, s.u8(10)) }, (inv & INV_FLAGS) !== 0);
        }
        return out;
      },
    },
  ],
  // What matches every packet isn't there at all, in the struct and in the saved line.
  finish: (o) => {
    let out = o;
    if (isAnyPort(out.sport)) out = without(out, 'sport');
    if (isAnyPort(out.dport)) out = without(out, 'dport');
    if (out.tcpFlags !== undefined && !isNot(out.tcpFlags) && bare(out.tcpFlags).mask.length === 0) out = without(out, 'tcpFlags');
    return out;
  },
});
