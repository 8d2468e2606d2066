// -j LOG (linux/netfilter/xt_LOG.h, struct xt_log_info; libxt_LOG.c).
import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { logPrefix } from './log-prefix.ts';
import { endedText, type Reading } from './option-values.ts';
import { parseUnsigned } from './values.ts';

const PREFIX_SIZE = 30;
/** LOG_WARNING of syslog(3): what is logged at without --log-level, and not printed. */
const WARNING = 4;
/** As -L without -n prints them (xtables_log_names). */
const levelNames = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'] as const;
const levels: Readonly<Record<string, number>> = {
  emerg: 0,
  panic: 0,
  alert: 1,
  crit: 2,
  error: 3,
  warning: 4,
  notice: 5,
  info: 6,
  debug: 7,
};
/** A level of syslog(3), 0..7, or its name; printed as the number. */
const level: Value<number> = {
  parse: ([word]) => {
    const n = parseUnsigned(word as string, 7) ?? (Object.hasOwn(levels, word as string) ? levels[word as string] : undefined);
    if (n === undefined) throw new ValueError(`log level "${word}" unknown`);
    return n;
  },
  format: (n) => [String(n)],
};
const prefix = logPrefix(PREFIX_SIZE, '--log-prefix');

/** XT_LOG_*; 0x10, XT_LOG_NFLOG, has no option. */
const flags = [
  { key: 'logTcpSequence', bit: 0x01, word: 'tcp-sequence' },
  { key: 'logTcpOptions', bit: 0x02, word: 'tcp-options' },
  { key: 'logIpOptions', bit: 0x04, word: 'ip-options' },
  { key: 'logUid', bit: 0x08, word: 'uid' },
  { key: 'logMacdecode', bit: 0x20, word: 'macdecode' },
] as const;
const XT_LOG_MASK = 0x2f;

const options = {
  'log-prefix': option(prefix),
  'log-level': option(level),
  'log-tcp-sequence': flag(),
  'log-tcp-options': flag(),
  'log-ip-options': flag(),
  'log-uid': flag(),
  'log-macdecode': flag(),
};
type Options = OptionsOf<typeof options>;

const bitsOf = (o: Options): number => flags.reduce((bits, { key, bit }) => (o[key] === true ? bits | bit : bits), 0);

export const LOG = target('LOG', {
  options,
  revisions: [
    {
      // unsigned char level, logflags; char prefix[30]
      revision: 0,
      size: 32,
      write: (o, s) => {
        s.setU8(0, o.logLevel ?? WARNING);
        s.setU8(1, bitsOf(o));
        s.setText(2, PREFIX_SIZE, o.logPrefix ?? '');
      },
      read: (s) => {
        const level = s.u8(0);
        const bits = s.u8(1);
        const prefix = endedText(s, 2, PREFIX_SIZE);
        if ((bits & ~XT_LOG_MASK) !== 0) throw new ValueError(`no option stands for the log flags 0x${bits.toString(16)}`);
        if (level >= levelNames.length) throw new ValueError(`no option stands for log level ${level}`);
        const out: Reading<Options> = {};
        if (prefix !== '') out.logPrefix = prefix;
        if (level !== WARNING) out.logLevel = level;
        for (const { key, bit } of flags) if ((bits & bit) !== 0) out[key] = true;
        return out;
      },
    },
  ],
  list: (o, { numeric }) => {
    const level = o.logLevel ?? WARNING;
    const words = flags.map(({ key, word }) => (o[key] === true ? ` ${word}` : '')).join('');
    const prefix = o.logPrefix === undefined ? '' : ` prefix "${o.logPrefix}"`;
    return ` LOG${numeric ? ` flags ${bitsOf(o)} level ${level}` : ` level ${levelNames[level]}${words}`}${prefix}`;
  },
  finish: ({ logLevel, ...others }) => (logLevel === undefined || logLevel === WARNING ? others : { ...others, logLevel }),
});
