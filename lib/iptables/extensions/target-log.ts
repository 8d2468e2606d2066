import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { logPrefix } from './log-prefix.ts';
import { parseUnsigned } from './values.ts';

const PREFIX_SIZE = 30;
/** LOG_WARNING of syslog(3): what is logged at without --log-level, and not printed. */
const WARNING = 4;
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

const XT_LOG_TCPSEQ = 0x01;
const XT_LOG_TCPOPT = 0x02;
const XT_LOG_IPOPT = 0x04;
const XT_LOG_UID = 0x08;
const XT_LOG_MACDECODE = 0x20;
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

export const LOG = target('LOG', {
  options,
  revisions: [
    {
      // unsigned char level, logflags; char prefix[30]
      revision: 0,
      size: 32,
      write: (o, s) => {
        s.setU8(0, o.logLevel ?? WARNING);
        s.setU8(
          1,
          (o.logTcpSequence === true ? XT_LOG_TCPSEQ : 0) |
            (o.logTcpOptions === true ? XT_LOG_TCPOPT : 0) |
            (o.logIpOptions === true ? XT_LOG_IPOPT : 0) |
            (o.logUid === true ? XT_LOG_UID : 0) |
            (o.logMacdecode === true ? XT_LOG_MACDECODE : 0),
        );
        s.setText(2, PREFIX_SIZE, o.logPrefix ?? '');
      },
      read: (s): Options => {
        const logLevel = s.u8(0);
        const flags = s.u8(1);
        const logPrefix = s.text(2, PREFIX_SIZE);
        if ((flags & ~XT_LOG_MASK) !== 0) throw new ValueError(`no option stands for the log flags 0x${flags.toString(16)}`);
        return {
          ...(logPrefix === '' ? {} : { logPrefix }),
          ...(logLevel === WARNING ? {} : { logLevel }),
          ...((flags & XT_LOG_TCPSEQ) === 0 ? {} : { logTcpSequence: true }),
          ...((flags & XT_LOG_TCPOPT) === 0 ? {} : { logTcpOptions: true }),
          ...((flags & XT_LOG_IPOPT) === 0 ? {} : { logIpOptions: true }),
          ...((flags & XT_LOG_UID) === 0 ? {} : { logUid: true }),
          ...((flags & XT_LOG_MACDECODE) === 0 ? {} : { logMacdecode: true }),
        };
      },
    },
  ],
  finish: ({ logLevel, ...others }) => (logLevel === undefined || logLevel === WARNING ? others : { ...others, logLevel }),
});
