// -j LED (linux/netfilter/xt_LED.h; libxt_LED.c).
import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { name, parseUnsigned } from './values.ts';

/** What the kernel's name of a trigger begins with. */
const PREFIX = 'netfilter-';
const ID_SIZE = 27;
const FOREVER = 0xffffffff;

const id: Value<string> = { ...name(ID_SIZE - 1 - PREFIX.length), quote: 'always' };
/** Milliseconds, or for ever. The real save prints that as -1, which it doesn't take back. */
const delay: Value<number | 'inf'> = {
  parse: ([word]) => {
    if ((word as string).toLowerCase() === 'inf') return 'inf';
    const ms = parseUnsigned(word as string, FOREVER);
    if (ms === undefined) throw new ValueError(`Delay value must be within range 0..${FOREVER}`);
    return ms === FOREVER ? 'inf' : ms;
  },
  format: (ms) => [String(ms)],
};

const options = { 'led-trigger-id': option(id), 'led-delay': option(delay), 'led-always-blink': flag() };

export const LED = target('LED', {
  options,
  revisions: [
    {
      // struct xt_led_info: char id[27]; __u8 always_blink; __u32 delay; void *internal_data
      revision: 0,
      size: 40,
      kernelPrivate: [[32, 40]],
      write: (o, s) => {
        s.setText(0, ID_SIZE, `${PREFIX}${o.ledTriggerId ?? ''}`);
        s.setU8(27, o.ledAlwaysBlink === true ? 1 : 0);
        s.setU32(28, o.ledDelay === 'inf' ? FOREVER : (o.ledDelay ?? 0));
      },
      read: (s): OptionsOf<typeof options> => {
        const trigger = endedText(s, 0, ID_SIZE);
        if (!trigger.startsWith(PREFIX)) throw new ValueError(`no option stands for the trigger "${trigger}"`);
        const ms = s.u32(28);
        return {
          ledTriggerId: trigger.slice(PREFIX.length),
          ...(ms === 0 ? {} : { ledDelay: ms === FOREVER ? 'inf' : ms }),
          ...(s.u8(27) === 0 ? {} : { ledAlwaysBlink: true }),
        };
      },
    },
  ],
  list: ({ ledTriggerId = '', ledDelay = 0, ledAlwaysBlink }) => {
    const trigger = ledTriggerId.replace(/["\\]/g, '\\$&');
    return ` led-trigger-id:"${trigger}" led-delay:${ledDelay === 'inf' ? 'inf' : `${ledDelay}ms`}${ledAlwaysBlink === true ? ' led-always-blink' : ''}`;
  },
  finish: (o) => {
    mandatory(o, 'ledTriggerId');
    const { ledDelay = 0, ...others } = o;
    return { ...others, ...(ledDelay === 0 ? {} : { ledDelay }) };
  },
});
