// -j ULOG (linux/netfilter_ipv4/ipt_ULOG.h, gone since Linux 3.17; libipt_ULOG.c).
import { type OptionsOf, option, target, ValueError } from './codec.ts';
import { logPrefix } from './log-prefix.ts';
import { endedText } from './option-values.ts';
import { unsigned } from './values.ts';

const PREFIX_SIZE = 32;
const U32_MAX = 0xffffffff;
/** ULOG_MAX_QLEN. */
const LONGEST_QUEUE = 50;

/** What isn't printed. */
const defaults = { ulogNlgroup: 1, ulogCprange: 0, ulogQthreshold: 1 } as const;

const options = {
  'ulog-prefix': option(logPrefix(PREFIX_SIZE, '--ulog-prefix')),
  'ulog-nlgroup': option(unsigned(32, 1)),
  // The struct has 64 bits; the real tools take them and print 32.
  'ulog-cprange': option(unsigned(U32_MAX)),
  'ulog-qthreshold': option(unsigned(LONGEST_QUEUE, 1)),
};
type Options = OptionsOf<typeof options>;

function withoutDefaults(o: Options): Options {
  const told = Object.entries(o).filter(([key, value]) => value !== defaults[key as keyof typeof defaults]);
  return Object.fromEntries(told) as Options;
}

export const ULOG = target('ULOG', {
  family: 'ip',
  options,
  revisions: [
    {
      // struct ipt_ulog_info: unsigned int nl_group; size_t copy_range, qthreshold; char prefix[32]
      revision: 0,
      size: 56,
      write: (o, s) => {
        const { ulogNlgroup, ulogCprange, ulogQthreshold } = { ...defaults, ...o };
        s.setU32(0, (1 << (ulogNlgroup - 1)) >>> 0);
        s.setU64(8, BigInt(ulogCprange));
        s.setU64(16, BigInt(ulogQthreshold));
        s.setText(24, PREFIX_SIZE, o.ulogPrefix ?? '');
      },
      read: (s) => {
        const group = s.u32(0);
        const range = s.u64(8);
        const threshold = s.u64(16);
        // A bit for each group; the option names one.
        if (group === 0 || (group & (group - 1)) !== 0) throw new ValueError(`no option stands for the groups 0x${group.toString(16)}`);
        if (range > BigInt(U32_MAX) || threshold < 1n || threshold > BigInt(LONGEST_QUEUE)) {
          throw new ValueError(`no options stand for the range ${range} and the threshold ${threshold}`);
        }
        const ulogPrefix = endedText(s, 24, PREFIX_SIZE);
        const told = { ulogNlgroup: 32 - Math.clz32(group), ulogCprange: Number(range), ulogQthreshold: Number(threshold) };
        return withoutDefaults({ ...(ulogPrefix === '' ? {} : { ulogPrefix }), ...told });
      },
    },
  ],
  list: (o) => {
    const { ulogNlgroup, ulogCprange, ulogQthreshold } = { ...defaults, ...o };
    const prefix = o.ulogPrefix === undefined ? '' : ` prefix "${o.ulogPrefix}"`;
    return ` ULOG copy_range ${ulogCprange} nlgroup ${ulogNlgroup}${prefix} queue_threshold ${ulogQthreshold}`;
  },
  finish: withoutDefaults,
});
