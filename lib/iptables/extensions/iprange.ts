// -m iprange (linux/netfilter/xt_iprange.h; libxt_iprange.c).
import { parseShortIpv4 } from '../rule/addresses.ts';
import { type BytesContext, type IpFamily, isNot, match, type Not, notOption, type OptionsOf, type Value, ValueError } from './codec.ts';
import { bare, onlyBits, type Reading, withNot } from './option-values.ts';
import type { Struct } from './struct.ts';
import { formatAddress, parseAddress } from './values.ts';

/** The first and the last address. A range that ends before it begins never matches. */
export interface AddressRange {
  readonly from: string;
  readonly to: string;
}

const range: Value<AddressRange> = {
  parse: ([word], c) => {
    const dash = (word as string).indexOf('-');
    const from = canonical(dash < 0 ? (word as string) : (word as string).slice(0, dash), c.family);
    return { from, to: dash < 0 ? from : canonical((word as string).slice(dash + 1), c.family) };
  },
  format: ({ from, to }) => [`${from}-${to}`],
};

function canonical(word: string, family: IpFamily): string {
  const bytes = family === 'ip' ? parseShortIpv4(word) : parseAddress(family, word);
  if (bytes === undefined) throw new ValueError(`"${word}" is no ${family} address`);
  return formatAddress(family, bytes);
}

const options = { 'src-range': notOption(range), 'dst-range': notOption(range) } as const;
type Options = OptionsOf<typeof options>;

const SRC = 0x01;
const DST = 0x02;
const SRC_INV = 0x10;
const DST_INV = 0x20;

/** Four addresses `step` bytes apart, and the flags after them. */
function write(o: Options, s: Struct, family: IpFamily, step: number): void {
  let flags = 0;
  const put = (at: number, given: Not<AddressRange>, present: number, inverted: number): void => {
    const { from, to } = bare(given);
    s.set(at, parseAddress(family, from) ?? new Uint8Array(0));
    s.set(at + step, parseAddress(family, to) ?? new Uint8Array(0));
    flags |= present | (isNot(given) ? inverted : 0);
  };
  if (o.srcRange !== undefined) put(0, o.srcRange, SRC, SRC_INV);
  if (o.dstRange !== undefined) put(2 * step, o.dstRange, DST, DST_INV);
  s.setU8(4 * step, flags);
}

function read(s: Struct, family: IpFamily, step: number): Options {
  const flags = onlyBits(s.u8(4 * step), SRC | DST | SRC_INV | DST_INV, 'flags');
  if ((flags & (SRC | DST)) === 0) throw new ValueError('no range is asked for');
  const at = (place: number): AddressRange => ({
    from: formatAddress(family, s.bytes, place),
    to: formatAddress(family, s.bytes, place + step),
  });
  const out: Reading<Options> = {};
  if ((flags & SRC) !== 0) out.srcRange = withNot(at(0), (flags & SRC_INV) !== 0);
  if ((flags & DST) !== 0) out.dstRange = withNot(at(2 * step), (flags & DST_INV) !== 0);
  return out;
}

export const iprange = match('iprange', {
  options,
  revisions: [
    // struct ipt_iprange_info: struct { __be32 min_ip, max_ip } src, dst; __u8 flags
    { revision: 0, family: 'ip', size: 20, write: (o, s) => write(o, s, 'ip', 4), read: (s) => read(s, 'ip', 4) },
    // struct xt_iprange_mtinfo: union nf_inet_addr src_min, src_max, dst_min, dst_max; __u8 flags
    {
      revision: 1,
      size: 68,
      write: (o: Options, s: Struct, c: BytesContext) => write(o, s, c.family, 16),
      read: (s: Struct, c: BytesContext) => read(s, c.family, 16),
    },
  ],
  list: (o) => {
    const range = (side: string, given: Options['srcRange']): string =>
      given === undefined ? '' : ` ${side} IP range ${isNot(given) ? '! ' : ''}${bare(given).from}-${bare(given).to}`;
    return range('source', o.srcRange) + range('destination', o.dstRange);
  },
  finish: (o) => {
    if (o.srcRange === undefined && o.dstRange === undefined) throw new ValueError("You must specify `--src-range' or `--dst-range'");
    return o;
  },
});
