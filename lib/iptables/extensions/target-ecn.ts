// -j ECN (linux/netfilter_ipv4/ipt_ECN.h; libipt_ECN.c). That the bits of TCP need -p tcp is the kernel's to say.
import { flag, type OptionsOf, option, target, ValueError } from './codec.ts';
import { exclusive } from './option-values.ts';
import { unsigned } from './values.ts';

const bit = unsigned(1);

const options = {
  'ecn-tcp-remove': flag(),
  'ecn-tcp-ece': option(bit),
  'ecn-tcp-cwr': option(bit),
  'ecn-ip-ect': option(unsigned(3)),
};
type Options = OptionsOf<typeof options>;

const SET_IP = 0x01;
const SET_ECE = 0x10;
const SET_CWR = 0x20;
const ECE = 1 << 0;
const CWR = 1 << 1;

/** To clear both bits of TCP and nothing else has a word of its own. */
function canonicalBits(ece: number | undefined, cwr: number | undefined, ect: number | undefined): Options {
  if (ece === 0 && cwr === 0 && ect === undefined) return { ecnTcpRemove: true };
  return {
    ...(ece === undefined ? {} : { ecnTcpEce: ece }),
    ...(cwr === undefined ? {} : { ecnTcpCwr: cwr }),
    ...(ect === undefined ? {} : { ecnIpEct: ect }),
  };
}

export const ECN = target('ECN', {
  family: 'ip',
  options,
  revisions: [
    {
      // struct ipt_ECN_info: __u8 operation, ip_ect; union { __u8 ece:1, cwr:1 } proto.tcp
      revision: 0,
      size: 3,
      write: (o, s) => {
        const { ecnTcpEce: ece, ecnTcpCwr: cwr } = o.ecnTcpRemove === true ? { ecnTcpEce: 0, ecnTcpCwr: 0 } : o;
        s.setU8(0, (ece === undefined ? 0 : SET_ECE) | (cwr === undefined ? 0 : SET_CWR) | (o.ecnIpEct === undefined ? 0 : SET_IP));
        s.setU8(1, o.ecnIpEct ?? 0);
        s.setU8(2, (ece === 1 ? ECE : 0) | (cwr === 1 ? CWR : 0));
      },
      read: (s) => {
        const operation = s.u8(0);
        const ect = s.u8(1);
        const flags = s.u8(2);
        if (operation === 0 || (operation & ~(SET_IP | SET_ECE | SET_CWR)) !== 0 || ect > 3) {
          throw new ValueError(`no option stands for the operation 0x${operation.toString(16)} with the codepoint ${ect}`);
        }
        return canonicalBits(
          (operation & SET_ECE) === 0 ? undefined : flags & ECE,
          (operation & SET_CWR) === 0 ? undefined : (flags & CWR) >> 1,
          (operation & SET_IP) === 0 ? undefined : ect,
        );
      },
      // What no operation sets.
      canonical: (s) => {
        const operation = s.u8(0);
        if ((operation & SET_IP) === 0) s.setU8(1, 0);
        s.setU8(2, s.u8(2) & (((operation & SET_ECE) === 0 ? 0 : ECE) | ((operation & SET_CWR) === 0 ? 0 : CWR)));
      },
    },
  ],
  list: (o) => {
    if (o.ecnTcpRemove === true) return ' ECN TCP remove';
    const ece = o.ecnTcpEce === undefined ? '' : ` ECE=${o.ecnTcpEce}`;
    const cwr = o.ecnTcpCwr === undefined ? '' : ` CWR=${o.ecnTcpCwr}`;
    return ` ECN${ece}${cwr}${o.ecnIpEct === undefined ? '' : ` ECT codepoint=${o.ecnIpEct}`}`;
  },
  finish: (o) => {
    if (o.ecnTcpRemove === undefined) {
      if ((o.ecnTcpEce ?? o.ecnTcpCwr ?? o.ecnIpEct) === undefined) throw new ValueError('An operation is required');
      return canonicalBits(o.ecnTcpEce, o.ecnTcpCwr, o.ecnIpEct);
    }
    for (const key of ['ecnTcpEce', 'ecnTcpCwr'] as const) exclusive(o, 'ecnTcpRemove', key);
    return canonicalBits(0, 0, o.ecnIpEct);
  },
});
