// -j TEE (linux/netfilter/xt_TEE.h; libxt_TEE.c). Revision 0 was never in a kernel of kernel.org.
import { type IpFamily, option, target, type Value, ValueError } from './codec.ts';
import { endedText, mandatory } from './option-values.ts';
import { formatAddress, name, parseAddress } from './values.ts';

const OIF = 16;
const OIF_SIZE = 16;

const address: Value<string> = {
  parse: ([word], c) => formatAddress(c.family, bytesOf(word as string, c.family)),
  format: (text) => [text],
};
function bytesOf(text: string, family: IpFamily): Uint8Array {
  const bytes = parseAddress(family, text);
  if (bytes === undefined) throw new ValueError(`bad IP address "${text}", and names are not looked up`);
  return bytes;
}

export const TEE = target('TEE', {
  options: { gateway: option(address), oif: option(name(OIF_SIZE - 1)) },
  revisions: [
    {
      // struct xt_tee_tginfo: union nf_inet_addr gw; char oif[16]; struct xt_tee_priv *priv
      revision: 1,
      size: 40,
      kernelPrivate: [[32, 40]],
      write: (o, s, c) => {
        if (o.gateway !== undefined) s.set(0, bytesOf(o.gateway, c.family));
        s.setText(OIF, OIF_SIZE, o.oif ?? '');
      },
      read: (s, c) => {
        const oif = endedText(s, OIF, OIF_SIZE);
        return { gateway: formatAddress(c.family, s.bytes), ...(oif === '' ? {} : { oif }) };
      },
    },
  ],
  // Never a host's name: DNS is not asked.
  list: (o) => ` TEE gw:${o.gateway}${o.oif === undefined ? '' : ` oif=${o.oif}`}`,
  finish: (o) => {
    mandatory(o, 'gateway');
    const { gateway, oif = '' } = o;
    return { gateway, ...(oif === '' ? {} : { oif }) };
  },
});
