// -j NFQUEUE (linux/netfilter/xt_NFQUEUE.h; libxt_NFQUEUE.c).
import { flag, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { exclusive } from './option-values.ts';
import type { Struct } from './struct.ts';
import { parseUnsigned, unsigned } from './values.ts';

const MAX = 0xffff;
/** The first queue and the last. */
export type Queues = readonly [first: number, last: number];

/** `first:last`; a side left out is as far as it goes. The struct has no room for the number of all 65536. */
const queues: Value<Queues> = {
  parse: ([word]) => {
    const sides = (word as string).split(':');
    if (sides.length !== 2) throw new ValueError(`Bad range "${word}"`);
    const first = sides[0] === '' ? 0 : parseUnsigned(sides[0] as string, MAX);
    const last = sides[1] === '' ? (first === 0 ? MAX - 1 : MAX) : parseUnsigned(sides[1] as string, MAX);
    if (first === undefined || last === undefined) throw new ValueError(`"${word}" is out of range (0-${MAX})`);
    if (first >= last) throw new ValueError(`${first} should be less than ${last}`);
    if (last - first === MAX) throw new ValueError(`at most ${MAX} queues can be balanced between`);
    return [first, last];
  },
  format: ([first, last]) => [`${first}:${last}`],
};

const options = {
  'queue-num': option(unsigned(MAX)),
  'queue-balance': option(queues),
  'queue-bypass': flag(),
  'queue-cpu-fanout': flag(),
};
type Options = OptionsOf<typeof options>;

const BYPASS = 0x01;
const CPU_FANOUT = 0x02;

/** __u16 queuenum; from revision 1 __u16 queues_total. */
function writeQueues(o: Options, s: Struct): void {
  const [first, last] = o.queueBalance ?? [o.queueNum ?? 0, o.queueNum ?? 0];
  s.setU16(0, first);
  s.setU16(2, last - first + 1);
}
function readQueues(s: Struct): Pick<Options, 'queueNum' | 'queueBalance'> {
  const first = s.u16(0);
  const total = s.u16(2);
  if (total === 1) return { queueNum: first };
  if (total === 0 || first + total - 1 > MAX) throw new ValueError(`there are no ${total} queues from ${first} on`);
  return { queueBalance: [first, first + total - 1] };
}

export const NFQUEUE = target('NFQUEUE', {
  options,
  revisions: [
    {
      // struct xt_NFQ_info
      revision: 0,
      size: 2,
      can: (o) => o.queueBalance === undefined && o.queueBypass === undefined,
      write: (o, s) => s.setU16(0, o.queueNum ?? 0),
      read: (s) => ({ queueNum: s.u16(0) }),
    },
    // struct xt_NFQ_info_v1
    {
      revision: 1,
      size: 4,
      can: (o) => o.queueBypass === undefined && o.queueCpuFanout === undefined,
      write: writeQueues,
      read: readQueues,
    },
    {
      // struct xt_NFQ_info_v2: __u16 bypass behind them
      revision: 2,
      size: 6,
      can: (o) => o.queueCpuFanout === undefined,
      write: (o, s) => {
        writeQueues(o, s);
        s.setU16(4, o.queueBypass === true ? 1 : 0);
      },
      read: (s): Options => {
        const bypass = s.u16(4);
        if (bypass > 1) throw new ValueError(`no option stands for the bypass ${bypass}`);
        return { ...readQueues(s), ...(bypass === 0 ? {} : { queueBypass: true }) };
      },
    },
    {
      // struct xt_NFQ_info_v3: __u16 flags behind them
      revision: 3,
      size: 6,
      write: (o, s) => {
        writeQueues(o, s);
        s.setU16(4, (o.queueBypass === true ? BYPASS : 0) | (o.queueCpuFanout === true ? CPU_FANOUT : 0));
      },
      read: (s): Options => {
        const flags = s.u16(4);
        const out = readQueues(s);
        const alone = out.queueBalance === undefined && (flags & CPU_FANOUT) !== 0;
        if (alone || (flags & ~(BYPASS | CPU_FANOUT)) !== 0) throw new ValueError(`no option stands for the flags 0x${flags.toString(16)}`);
        return {
          ...out,
          ...((flags & BYPASS) === 0 ? {} : { queueBypass: true }),
          ...((flags & CPU_FANOUT) === 0 ? {} : { queueCpuFanout: true }),
        };
      },
    },
  ],
  list: (o) => {
    const where = o.queueBalance === undefined ? `num ${o.queueNum}` : `balance ${o.queueBalance[0]}:${o.queueBalance[1]}`;
    return ` NFQUEUE ${where}${o.queueBypass === true ? ' bypass' : ''}${o.queueCpuFanout === true ? ' cpu-fanout' : ''}`;
  },
  finish: (o) => {
    if (o.queueBalance === undefined) {
      if (o.queueCpuFanout !== undefined) throw new ValueError('option "--queue-cpu-fanout" also requires "--queue-balance"');
      return { ...o, queueNum: o.queueNum ?? 0 };
    }
    exclusive(o, 'queueNum', 'queueBalance');
    return o;
  },
});
