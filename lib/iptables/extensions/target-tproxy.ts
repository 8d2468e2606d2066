// -j TPROXY (linux/netfilter/xt_TPROXY.h; libxt_TPROXY.c). That it needs -p tcp or udp is the kernel's to say.
import { type BytesContext, type IpFamily, type OptionsOf, option, target, type Value, ValueError } from './codec.ts';
import { mandatory } from './option-values.ts';
import { plainPort } from './ports.ts';
import type { Struct } from './struct.ts';
import { formatAddress, hex, type Marked, marked, parseAddress } from './values.ts';

const address: Value<string> = {
  parse: ([word], c) => formatAddress(c.family, bytesOf(word as string, c.family)),
  format: (text) => [text],
};
/** Always with its mask. */
const mark: Value<Marked> = { parse: marked.parse, format: ({ value, mask }) => [`${hex(value)}/${hex(mask)}`] };

function bytesOf(text: string, family: IpFamily): Uint8Array {
  const bytes = parseAddress(family, text);
  if (bytes === undefined) throw new ValueError(`bad IP address "${text}", and names are not looked up`);
  return bytes;
}

/** The interface's own address; no mark. */
const unset = { ip: '0.0.0.0', ip6: '::' } as const satisfies Record<IpFamily, string>;
const unmarked: Marked = { value: 0, mask: 0 };

const options = { 'on-port': option(plainPort), 'on-ip': option(address), 'tproxy-mark': option(mark) };
type Options = OptionsOf<typeof options>;

/** Both structs begin with __u32 mark_mask, mark_value, then laddr. */
function write(o: Options, s: Struct, c: BytesContext, portAt: number): void {
  s.setU32(0, o.tproxyMark?.mask ?? 0);
  s.setU32(4, o.tproxyMark?.value ?? 0);
  if (o.onIp !== undefined) s.set(8, bytesOf(o.onIp, c.family));
  s.setBe16(portAt, o.onPort ?? 0);
}
function read(s: Struct, c: BytesContext, portAt: number): Options {
  return { onPort: s.be16(portAt), onIp: formatAddress(c.family, s.bytes, 8), tproxyMark: { value: s.u32(4), mask: s.u32(0) } };
}

export const TPROXY = target('TPROXY', {
  options,
  revisions: [
    // struct xt_tproxy_target_info: __be32 laddr; __be16 lport
    { revision: 0, family: 'ip', size: 16, write: (o, s, c) => write(o, s, c, 12), read: (s, c) => read(s, c, 12) },
    // struct xt_tproxy_target_info_v1: union nf_inet_addr laddr; __be16 lport
    { revision: 1, size: 28, write: (o, s, c) => write(o, s, c, 24), read: (s, c) => read(s, c, 24) },
  ],
  list: (o, c) => {
    const [shownMark] = mark.format(o.tproxyMark ?? unmarked, c);
    return ` TPROXY redirect ${o.onIp ?? unset[c.family]}:${o.onPort} mark ${shownMark}`;
  },
  finish: (o, c) => {
    mandatory(o, 'onPort');
    return { onPort: o.onPort, onIp: o.onIp ?? unset[c.family], tproxyMark: o.tproxyMark ?? unmarked };
  },
});
