// -j NFLOG (linux/netfilter/xt_NFLOG.h; libxt_NFLOG.c).
import { saveString } from '../words.ts';
import { type OptionsOf, option, target, ValueError } from './codec.ts';
import { cut, logPrefix } from './log-prefix.ts';
import { endedText, exclusive } from './option-values.ts';
import type { Struct } from './struct.ts';
import { unsigned } from './values.ts';

/**
 * Offsets in struct xt_nflog_info_nft of iptables' nft-shared.h: __u32 len; __u16 group, threshold, flags, pad; char prefix[128]. It is
 * struct xt_nflog_info, whose prefix has 64, with the prefix of nf_tables' log (NF_LOG_PREFIXLEN).
 */
export const NFLOG = { length: 0, group: 4, threshold: 6, flags: 8, prefix: 12, size: 140, COPY_LEN: 1 } as const;
const PREFIX_SIZE = NFLOG.size - NFLOG.prefix;
const LEGACY_PREFIX_SIZE = 64;
const LEGACY_SIZE = NFLOG.prefix + LEGACY_PREFIX_SIZE;

/** Of the prefix, in the struct of one backend or the other. */
function prefixSize(s: Struct): number {
  return s.bytes.length < NFLOG.size ? LEGACY_PREFIX_SIZE : PREFIX_SIZE;
}

const prefix = logPrefix(PREFIX_SIZE, '--nflog-prefix');
const u16 = unsigned(0xffff);
const u32 = unsigned(0xffffffff);

/** In the order the save commands print. */
const options = {
  'nflog-prefix': option(prefix),
  'nflog-group': option(u16),
  'nflog-range': option(u32),
  'nflog-size': option(u32),
  'nflog-threshold': option(u16),
} as const;
type Options = OptionsOf<typeof options>;

export const NFLOG_TARGET = target('NFLOG', {
  options,
  revisions: [
    {
      revision: 0,
      size: NFLOG.size,
      legacySize: LEGACY_SIZE,
      write: (o, s) => {
        s.setU32(NFLOG.length, o.nflogSize ?? o.nflogRange ?? 0);
        s.setU16(NFLOG.group, o.nflogGroup ?? 0);
        s.setU16(NFLOG.threshold, o.nflogThreshold ?? 0);
        s.setU16(NFLOG.flags, o.nflogSize === undefined ? 0 : NFLOG.COPY_LEN);
        // A prefix that only nf_tables has room for is cut, as iptables-legacy cuts it.
        s.setText(NFLOG.prefix, prefixSize(s), cut(o.nflogPrefix ?? '', prefixSize(s)));
      },
      read: (s): Options => {
        const length = s.u32(NFLOG.length);
        const unknown = s.u16(NFLOG.flags) & ~NFLOG.COPY_LEN;
        if (unknown !== 0) throw new ValueError(`no option stands for the flags 0x${unknown.toString(16)}`);
        const sized = (s.u16(NFLOG.flags) & NFLOG.COPY_LEN) !== 0;
        const text = endedText(s, NFLOG.prefix, prefixSize(s));
        const group = s.u16(NFLOG.group);
        const threshold = s.u16(NFLOG.threshold);
        return {
          ...(text === '' ? {} : { nflogPrefix: text }),
          ...(group === 0 ? {} : { nflogGroup: group }),
          ...(sized || length === 0 ? {} : { nflogRange: length }),
          ...(sized ? { nflogSize: length } : {}),
          ...(threshold === 0 ? {} : { nflogThreshold: threshold }),
        };
      },
    },
  ],
  list: (o) => {
    const prefix = o.nflogPrefix === undefined ? '' : ` nflog-prefix ${saveString(o.nflogPrefix)}`;
    const numbers = [
      ['nflog-group', o.nflogGroup],
      ['nflog-range', o.nflogRange],
      ['nflog-size', o.nflogSize],
      ['nflog-threshold', o.nflogThreshold],
    ] as const;
    return prefix + numbers.map(([word, value]) => (value === undefined ? '' : ` ${word} ${value}`)).join('');
  },
  finish: (o) => {
    exclusive(o, 'nflogRange', 'nflogSize');
    const { nflogGroup, nflogRange, nflogThreshold, ...others } = o;
    return {
      ...others,
      ...(nflogGroup === undefined || nflogGroup === 0 ? {} : { nflogGroup }),
      ...(nflogRange === undefined || nflogRange === 0 ? {} : { nflogRange }),
      ...(nflogThreshold === undefined || nflogThreshold === 0 ? {} : { nflogThreshold }),
    };
  },
});
