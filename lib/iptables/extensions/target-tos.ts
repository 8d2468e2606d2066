// -j TOS (linux/netfilter/xt_DSCP.h, linux/netfilter_ipv4/ipt_TOS.h; libxt_TOS.c). The kernel does tos = (tos & ~mask) ^ value.
import { option, spelling, target, type Value, ValueError } from './codec.ts';
import { hex2, tosHex, tosName, tosValue } from './tos-values.ts';
import { type Marked, unsigned } from './values.ts';

const MAX = 0xff;
/** Revision 0 leaves the bits of precedence, IPTOS_PREC_MASK, as they are. */
const MASK_V0 = 0x1f;

const bits = unsigned(MAX);
const of = (build: (n: number) => Marked): Value<Marked> => ({ parse: (words, c) => build(bits.parse(words, c)), format: tosValue.format });

export const TOS = target('TOS', {
  options: {
    'set-tos': option(tosValue),
    'and-tos': spelling('set-tos', option(of((n) => ({ value: 0, mask: ~n & MAX })))),
    'or-tos': spelling('set-tos', option(of((n) => ({ value: n, mask: n })))),
    'xor-tos': spelling('set-tos', option(of((n) => ({ value: n, mask: 0 })))),
  },
  revisions: [
    {
      // struct ipt_tos_target_info: __u8 tos
      revision: 0,
      family: 'ip',
      size: 1,
      can: ({ setTos }) => setTos?.mask === MASK_V0 && setTos.value <= MASK_V0,
      write: (o, s) => s.setU8(0, o.setTos?.value ?? 0),
      read: (s) => {
        if (s.u8(0) > MASK_V0) throw new ValueError(`no option stands for the type of service ${hex2(s.u8(0))} of revision 0`);
        return { setTos: { value: s.u8(0), mask: MASK_V0 } };
      },
    },
    {
      // struct xt_tos_target_info: __u8 tos_value, tos_mask
      revision: 1,
      size: 2,
      write: (o, s) => {
        s.setU8(0, o.setTos?.value ?? 0);
        s.setU8(1, o.setTos?.mask ?? 0);
      },
      read: (s) => ({ setTos: { value: s.u8(0), mask: s.u8(1) } }),
    },
  ],
  list: ({ setTos }, { numeric }) => (setTos === undefined ? '' : listOperation(setTos, numeric)),
  finish: (o) => {
    if (o.setTos === undefined) throw new ValueError('An action is required');
    return o;
  },
});

/** The blank that belongs before a name stands before the whole. */
function listOperation(set: Marked, numeric: boolean): string {
  const { value, mask } = set;
  const name = numeric ? undefined : tosName(set);
  if (name !== undefined) return `  TOS set${name}`;
  if (!numeric && value === 0) return ` TOS and ${hex2(~mask & MAX)}`;
  if (!numeric && value === mask) return ` TOS or ${hex2(value)}`;
  return !numeric && mask === 0 ? ` TOS xor ${hex2(value)}` : ` TOS set ${tosHex(set)}`;
}
