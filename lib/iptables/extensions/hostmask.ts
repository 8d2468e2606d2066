// `address[/length]` whose host bits stay (XTTYPE_HOSTMASK of libxtables). Where a mask has holes the real tools silently take one
// address for it, and for `1.2.3` what inet_aton(3) makes of it: both are refused here.
import { formatNetwork, networkBytes } from '../rule/addresses.ts';
import { type IpFamily, type Value, ValueError } from './codec.ts';
import { formatAddress } from './values.ts';

const BITS = { ip: 32, ip6: 128 } as const satisfies Record<IpFamily, number>;

export interface Hostmask {
  readonly address: Uint8Array;
  readonly mask: Uint8Array;
}

/** The canonical text: always with a length. Throws ValueError for a mask with holes. */
export function hostmaskText({ address, mask }: Hostmask, family: IpFamily): string {
  const text = formatNetwork(address, mask, family);
  if (!/\/[0-9]+$/.test(text)) throw new ValueError(`"${formatAddress(family, mask)}" is neither a valid network mask nor valid CIDR`);
  return text;
}
export function hostmaskBytes(text: string, family: IpFamily): Hostmask {
  return networkBytes(text.includes('/') ? text : `${text}/${BITS[family]}`, family);
}

export const hostmask: Value<string> = {
  parse: ([word], c) => hostmaskText(hostmaskBytes(word as string, c.family), c.family),
  format: (text) => [text],
};
/** Host bits cleared. */
export const networkOnly: Value<string> = {
  parse: ([word], c) => {
    const { address, mask } = hostmaskBytes(word as string, c.family);
    return hostmaskText({ address: address.map((byte, i) => byte & (mask[i] as number)), mask }, c.family);
  },
  format: (text) => [text],
};
