// synproxy (enum nft_synproxy_attributes, NF_SYNPROXY_OPT_*; nft_synproxy.c).
import { EncodeError } from '../../../wire/errors.ts';
import { be16, be32, u8 } from '../../../wire/kinds.ts';
import { attributes, optional } from '../../../wire/table.ts';
import { numberOf } from './convert.ts';
import type { StatefulKind, Words } from './kind.ts';

const MSS = 1;
const WSCALE = 2;
/** linux/netfilter/nf_synproxy.h; mss and wscale are set by giving a value. */
const options = { mss: MSS, wscale: WSCALE, 'sack-perm': 4, timestamp: 8, ecn: 16 };

export const synproxy: StatefulKind = {
  number: 10,
  table: attributes({ mss: optional(1, be16), wscale: optional(2, u8), flags: optional(3, be32) }),
  words: { known: ['mss', 'wscale', 'flags'], toData, toWords },
};

/** `flags`: words beside mss and wscale, or all bits as a number. */
function toData(input: Words): object {
  const { flags, ...rest } = input;
  if (typeof flags === 'number') return input;
  const list: unknown = typeof flags === 'string' ? [flags] : (flags ?? []);
  if (!Array.isArray(list)) throw new EncodeError('flags', 'a list of flags is needed');
  let bits = (input['mss'] === undefined ? 0 : MSS) | (input['wscale'] === undefined ? 0 : WSCALE);
  for (const flag of list) bits |= numberOf('flags', flag, options);
  return { ...rest, flags: bits };
}

/**
 * The kernel dumps 0 for a value that was not given: left out where its flag is unset. Where the words cannot say which flags
 * are set, they are one number.
 */
function toWords(data: Words): Words {
  const { mss, wscale, flags, ...rest } = data;
  const bits = typeof flags === 'number' ? flags : 0;
  const given = (value: unknown, bit: number): boolean => value !== undefined && (value !== 0 || (bits & bit) !== 0);
  const shown = { ...rest, ...(given(mss, MSS) ? { mss } : {}), ...(given(wscale, WSCALE) ? { wscale } : {}) };
  if (typeof flags !== 'number') return shown;
  const values = ('mss' in shown ? MSS : 0) | ('wscale' in shown ? WSCALE : 0);
  const words = Object.entries(options).filter(([, bit]) => (bits & bit & ~(MSS | WSCALE)) !== 0);
  const said = words.reduce((sum, [, bit]) => sum | bit, values);
  if (said >>> 0 !== bits) return { ...shown, flags };
  return words.length === 0 ? shown : { ...shown, flags: words.map(([word]) => word) };
}
