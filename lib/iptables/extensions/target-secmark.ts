// -j SECMARK (linux/netfilter/xt_SECMARK.h; libxt_SECMARK.c).
import { type OptionsOf, option, target, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import type { Struct } from './struct.ts';
import { name } from './values.ts';

const SECMARK_MODE_SEL = 1;
const SECMARK_SECCTX_MAX = 256;

const options = { selctx: option(name(SECMARK_SECCTX_MAX - 1)) };
type Options = OptionsOf<typeof options>;

/** Both structs begin with __u8 mode. */
function write(o: Options, s: Struct, contextAt: number): void {
  s.setU8(0, SECMARK_MODE_SEL);
  s.setText(contextAt, SECMARK_SECCTX_MAX, o.selctx ?? '');
}
function read(s: Struct, contextAt: number): Options {
  if (s.u8(0) !== SECMARK_MODE_SEL) throw new ValueError(`no option stands for the mode ${s.u8(0)}`);
  return { selctx: endedText(s, contextAt, SECMARK_SECCTX_MAX) };
}

export const SECMARK = target('SECMARK', {
  options,
  revisions: [
    // struct xt_secmark_target_info: __u32 secid; char secctx[256]
    { revision: 0, size: 264, kernelPrivate: [[4, 8]], write: (o, s) => write(o, s, 8), read: (s) => read(s, 8) },
    // struct xt_secmark_target_info_v1: char secctx[256]; __u32 secid
    { revision: 1, size: 264, kernelPrivate: [[260, 264]], write: (o, s) => write(o, s, 1), read: (s) => read(s, 1) },
  ],
  list: (o) => ` SECMARK selctx ${o.selctx}`,
  finish: (o) => {
    mandatory(o, 'selctx');
    return o;
  },
});
