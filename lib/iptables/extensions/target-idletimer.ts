// -j IDLETIMER (linux/netfilter/xt_IDLETIMER.h; libxt_IDLETIMER.c).
import { flag, type OptionsOf, option, target, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import type { Struct } from './struct.ts';
import { name, unsigned } from './values.ts';

/** MAX_IDLETIMER_LABEL_SIZE. */
const LABEL_SIZE = 28;
const XT_IDLETIMER_ALARM = 1;

const options = { timeout: option(unsigned(0xffffffff)), label: option(name(LABEL_SIZE - 1)), alarm: flag() };
type Options = OptionsOf<typeof options>;

/** Both structs begin with __u32 timeout; char label[28]. */
function write(o: Options, s: Struct): void {
  s.setU32(0, o.timeout ?? 0);
  s.setText(4, LABEL_SIZE, o.label ?? '');
}
function read(s: Struct): Options {
  return { timeout: s.u32(0), label: endedText(s, 4, LABEL_SIZE) };
}

export const IDLETIMER = target('IDLETIMER', {
  options,
  revisions: [
    // struct idletimer_tg_info: struct idletimer_tg *timer behind them
    { revision: 0, size: 40, kernelPrivate: [[32, 40]], can: (o) => o.alarm === undefined, write, read },
    {
      // struct idletimer_tg_info_v1: __u8 send_nl_msg, timer_type; struct idletimer_tg *timer behind them
      revision: 1,
      size: 48,
      kernelPrivate: [[40, 48]],
      write: (o, s) => {
        write(o, s);
        s.setU8(33, o.alarm === true ? XT_IDLETIMER_ALARM : 0);
      },
      read: (s): Options => {
        const type = s.u8(33);
        if (s.u8(32) !== 0 || type > XT_IDLETIMER_ALARM) {
          throw new ValueError(`no option stands for the timer type ${type} with the netlink message ${s.u8(32)}`);
        }
        return { ...read(s), ...(type === 0 ? {} : { alarm: true }) };
      },
    },
  ],
  list: (o) => ` timeout:${o.timeout} label:${o.label}${o.alarm === true ? ' alarm' : ''}`,
  finish: (o) => {
    mandatory(o, 'timeout', 'label');
    return o;
  },
});
