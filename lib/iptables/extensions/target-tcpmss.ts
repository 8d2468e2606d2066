// -j TCPMSS (linux/netfilter/xt_TCPMSS.h; libxt_TCPMSS.c). That it needs -p tcp and a match for SYN is the kernel's to say.
import { flag, type IpFamily, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { exclusive } from './option-values.ts';
import { unsigned } from './values.ts';

/** What an IP header leaves of 65535 bytes. */
const max: Readonly<Record<IpFamily, number>> = { ip: 65535 - 20, ip6: 65535 - 40 };
const XT_TCPMSS_CLAMP_PMTU = 0xffff;

const size: Value<number> = { parse: (words, c) => unsigned(max[c.family]).parse(words, c), format: (n) => [String(n)] };

const options = { 'set-mss': option(size), 'clamp-mss-to-pmtu': flag() };

export const TCPMSS = target('TCPMSS', {
  options,
  revisions: [
    {
      // struct xt_tcpmss_info: __u16 mss
      revision: 0,
      size: 2,
      write: (o, s) => s.setU16(0, o.setMss ?? XT_TCPMSS_CLAMP_PMTU),
      read: (s, c): OptionsOf<typeof options> => {
        const mss = s.u16(0);
        if (mss === XT_TCPMSS_CLAMP_PMTU) return { clampMssToPmtu: true };
        if (mss > max[c.family]) throw new ValueError(`no option stands for a segment of ${mss} bytes`);
        return { setMss: mss };
      },
    },
  ],
  list: (o) => (o.setMss === undefined ? ' TCPMSS clamp to PMTU' : ` TCPMSS set ${o.setMss}`),
  finish: (o) => {
    if (o.setMss === undefined && o.clampMssToPmtu === undefined) throw new ValueError('At least one parameter is required');
    // The manual page says so; the real tools take the one that is written last.
    exclusive(o, 'setMss', 'clampMssToPmtu');
    return o;
  },
});
