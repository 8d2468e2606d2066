// -m tcp (linux/netfilter/xt_tcpudp.h, struct xt_tcp; libxt_tcp.c).
import { isNot, match, notOption, type OptionsOf, spelling, type Value, ValueError } from './codec.ts';
import { bare, onlyBits, type Reading, withNot, without } from './option-values.ts';
import { listPorts, ports } from './ports.ts';
import { canonicalPorts, portOptions, readPorts, TCP, TCP_INV_FLAGS, TCP_INV_OPTION, withoutAnyPort, writePorts } from './tcpudp.ts';
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

function parseFlags(list: string, at: number): readonly TcpFlag[] {
  let bits = 0;
  for (const word of list.split(',')) {
    const name = word.toUpperCase();
    const bit = name === 'ALL' ? ALL : name === 'NONE' ? 0 : table.find((entry) => entry.word === name)?.bit;
    // strtok of the real tool skips empty words.
    if (bit === undefined && word !== '') throw new ValueError(`Unknown TCP flag \`${word}'`, at);
    bits |= bit ?? 0;
  }
  return wordsOfBits(table, bits);
}

const listed = bitWords('TCP flag', table);
const formatFlags = (flags: readonly TcpFlag[], c: Parameters<typeof listed.format>[1]): readonly string[] =>
  flags.length === 0 ? ['NONE'] : listed.format(flags, c);

function listFlags({ mask, set }: TcpFlags, numeric: boolean): string {
  const part = (flags: readonly TcpFlag[]): string =>
    numeric ? `0x${bitsOf(table, flags).toString(16).toUpperCase().padStart(2, '0')}` : flags.length === 0 ? 'NONE' : flags.join(',');
  return `${part(mask)}/${part(set)}`;
}

const flags: Value<TcpFlags> = {
  parse: ([mask, set]) => ({ mask: parseFlags(mask as string, 0), set: parseFlags(set as string, 1) }),
  format: ({ mask, set }, c) => [...formatFlags(mask, c), ...formatFlags(set, c)],
};
const syn: Value<TcpFlags> = {
  parse: () => ({ mask: ['FIN', 'SYN', 'RST', 'ACK'], set: ['SYN'] }),
  format: flags.format,
};

const options = {
  ...portOptions(ports),
  'tcp-option': notOption(unsigned(255, 1)),
  'tcp-flags': { words: 2, value: flags, not: true },
  syn: spelling('tcp-flags', { words: 0, value: syn, not: true }),
} as const;

export const tcp = match('tcp', {
  options,
  protocols: [6],
  inverted: true,
  revisions: [
    {
      revision: 0,
      size: TCP.size,
      write: (o, s) => {
        const ports = writePorts(o, s);
        if (o.tcpOption !== undefined) s.setU8(TCP.option, bare(o.tcpOption));
        if (o.tcpFlags !== undefined) {
          s.setU8(TCP.flagMask, bitsOf(table, bare(o.tcpFlags).mask));
          s.setU8(TCP.flagCompare, bitsOf(table, bare(o.tcpFlags).set));
        }
        s.setU8(TCP.invert, ports | (isNot(o.tcpFlags) ? TCP_INV_FLAGS : 0) | (isNot(o.tcpOption) ? TCP_INV_OPTION : 0));
      },
      read: (s) => {
        const inv = s.u8(TCP.invert);
        const out: Reading<OptionsOf<typeof options>> = readPorts(s, inv);
        const option = s.u8(TCP.option);
        if (option !== 0 || (inv & TCP_INV_OPTION) !== 0) out.tcpOption = withNot(option, (inv & TCP_INV_OPTION) !== 0);
        const mask = onlyBits(s.u8(TCP.flagMask), ALL, 'the flags');
        const set = onlyBits(s.u8(TCP.flagCompare), ALL, 'the flags');
        if (mask !== 0 || set !== 0 || (inv & TCP_INV_FLAGS) !== 0) {
          const flags = { mask: wordsOfBits(table, mask), set: wordsOfBits(table, set) };
          out.tcpFlags = withNot(flags, (inv & TCP_INV_FLAGS) !== 0);
        }
        return out;
      },
      canonical: (s) => canonicalPorts(s, TCP.invert),
    },
  ],
  list: (o, { numeric }) => {
    let out = ` tcp${listPorts('spt', o.sport, 'tcp', numeric)}${listPorts('dpt', o.dport, 'tcp', numeric)}`;
    if (o.tcpOption !== undefined) out += ` option=${isNot(o.tcpOption) ? '!' : ''}${bare(o.tcpOption)}`;
    if (o.tcpFlags !== undefined) out += ` flags:${isNot(o.tcpFlags) ? '!' : ''}${listFlags(bare(o.tcpFlags), numeric)}`;
    return out;
  },
  finish: (o) => {
    const out = withoutAnyPort(o);
    // Of no flags none is set: every packet. One that must be set is set in none, which the real save forgets.
    const { mask, set } = bare(out.tcpFlags ?? { mask: [], set: [] });
    const any = out.tcpFlags !== undefined && !isNot(out.tcpFlags) && mask.length === 0 && set.length === 0;
    return any ? without(out, 'tcpFlags') : out;
  },
});
