// -j TCPOPTSTRIP (linux/netfilter/xt_TCPOPTSTRIP.h; libxt_TCPOPTSTRIP.c). That it needs -p tcp is the kernel's to say.
import { option, target, type Value, ValueError } from './codec.ts';
import { parseUnsigned } from './values.ts';

const kinds = { wscale: 3, mss: 2, 'sack-permitted': 4, sack: 5, timestamp: 8, md5: 19 } as const;
export type TcpOptionName = keyof typeof kinds;
/** A kind of TCP option, 2 to 255; names become numbers. */
export type TcpOption = number | TcpOptionName;

function kindOf(word: string): number {
  const kind = Object.hasOwn(kinds, word) ? kinds[word as TcpOptionName] : parseUnsigned(word, 255);
  if (kind === undefined) throw new ValueError(`Bad TCP option value "${word}"`);
  if (kind < 2) throw new ValueError('Option value may not be 0 or 1');
  return kind;
}

const tcpOptions: Value<readonly TcpOption[]> = {
  parse: ([list]) => {
    const found = (list as string).split(',').map(kindOf);
    const twice = found.find((kind, i) => found.indexOf(kind) !== i);
    if (twice !== undefined) throw new ValueError(`Option "${twice}" already specified`);
    return found.sort((a, b) => a - b);
  },
  format: (list) => [list.join(',')],
};

export const TCPOPTSTRIP = target('TCPOPTSTRIP', {
  options: { 'strip-options': option(tcpOptions) },
  revisions: [
    {
      // struct xt_tcpoptstrip_target_info: __u32 strip_bmap[8]
      revision: 0,
      size: 32,
      write: (o, s) => {
        for (const word of o.stripOptions ?? []) {
          const kind = kindOf(String(word));
          s.setU8(kind >> 3, s.u8(kind >> 3) | (1 << (kind & 7)));
        }
      },
      read: (s) => {
        const stripOptions: number[] = [];
        for (let kind = 0; kind < 256; kind++) if ((s.u8(kind >> 3) & (1 << (kind & 7))) !== 0) stripOptions.push(kind);
        if ((stripOptions[0] ?? 2) < 2) throw new ValueError('no option strips the TCP options 0 and 1');
        return stripOptions.length === 0 ? {} : { stripOptions };
      },
    },
  ],
  list: ({ stripOptions }, { numeric }) => {
    if (stripOptions === undefined) return '';
    const shown = stripOptions.map((kind) => (numeric ? kind : (nameOf(kind) ?? kind)));
    return ` TCPOPTSTRIP options ${shown.join(',')}`;
  },
});

function nameOf(kind: TcpOption): TcpOptionName | undefined {
  return (Object.keys(kinds) as TcpOptionName[]).find((name) => kinds[name] === kind);
}
