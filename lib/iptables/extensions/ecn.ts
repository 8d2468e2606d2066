// -m ecn (linux/netfilter/xt_ecn.h, struct xt_ecn_info; libxt_ecn.c). That the TCP bits need -p tcp is the kernel's to say.
import { isNot, match, notFlag, notOption, type OptionsOf, ValueError } from './codec.ts';
import { bare, notEmpty, onlyBits, type Reading, withNot } from './option-values.ts';
import { unsigned } from './values.ts';

/** In the order the save commands print. */
const options = { 'ecn-tcp-ece': notFlag(), 'ecn-tcp-cwr': notFlag(), 'ecn-ip-ect': notOption(unsigned(3)) } as const;
type Options = OptionsOf<typeof options>;

/** Offsets: __u8 operation, invert, ip_ect. */
const INVERT = 1;
const IP_ECT = 2;
/** XT_ECN_OP_MATCH_*. */
const MATCH_IP = 0x01;
const operations = [
  { key: 'ecnTcpEce', label: 'ECE', bit: 0x10 },
  { key: 'ecnTcpCwr', label: 'CWR', bit: 0x20 },
  { key: 'ecnIpEct', label: 'ECT=', bit: MATCH_IP },
] as const;

export const ecn = match('ecn', {
  options,
  revisions: [
    {
      revision: 0,
      size: 4,
      write: (o, s) => {
        let operation = 0;
        let invert = 0;
        for (const { key, bit } of operations) {
          if (o[key] !== undefined) operation |= bit;
          if (isNot(o[key])) invert |= bit;
        }
        s.setU8(0, operation);
        s.setU8(INVERT, invert);
        if (o.ecnIpEct !== undefined) s.setU8(IP_ECT, bare(o.ecnIpEct));
      },
      read: (s) => {
        const operation = onlyBits(s.u8(0), 0x31);
        const invert = onlyBits(s.u8(INVERT), operation);
        if (s.u8(IP_ECT) > 3) throw new ValueError(`ECT has no value ${s.u8(IP_ECT)}`);
        const out: Reading<Options> = {};
        for (const { key, bit } of operations) {
          if ((operation & bit) === 0) continue;
          if (key === 'ecnIpEct') out[key] = withNot(s.u8(IP_ECT), (invert & bit) !== 0);
          else out[key] = withNot<true>(true, (invert & bit) !== 0);
        }
        return notEmpty(out);
      },
    },
  ],
  finish: (o) => {
    if (operations.every(({ key }) => o[key] === undefined)) throw new ValueError('some option required');
    return o;
  },
  list: (o) => {
    let out = ' ECN match';
    for (const { key, label } of operations) {
      const given = o[key];
      if (given === undefined) continue;
      const value = bare<number | true>(given);
      out += ` ${isNot(given) ? '!' : ''}${label}${value === true ? '' : value}`;
    }
    return out;
  },
});
