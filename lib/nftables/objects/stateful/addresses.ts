// Addresses in network order as text.

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../../wire/address.ts';
import { EncodeError } from '../../../wire/errors.ts';
import { type Kind, show } from '../../../wire/kinds.ts';

function address(
  size: number,
  parse: (text: string) => Uint8Array | undefined,
  format: (bytes: Uint8Array, at: number) => string,
): Kind<string> {
  return {
    put: (w, type, value) => {
      const parsed = typeof value === 'string' ? parse(value) : undefined;
      if (parsed === undefined) throw new EncodeError('', `an IPv${size === 4 ? 4 : 6} address is needed, not ${show(value)}`);
      w.raw(type, parsed);
    },
    get: (buffer, start, end) => (end - start === size ? format(buffer, start) : undefined),
  };
}

export const ipv4 = address(4, parseIpv4, formatIpv4);
export const ipv6 = address(16, parseIpv6, formatIpv6);
