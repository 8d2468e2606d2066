// Network devices of a hook: a list whose elements are names, or from Linux 6.18 on prefixes (enum nft_device_attributes,
// nf_tables_api.c nft_netdev_hook_alloc). As in nft(8) a trailing * is a prefix; a backslash before it makes it a name.
import { align4, attributeLength, attributeType } from '../../wire/attributes.ts';
import { EncodeError } from '../../wire/errors.ts';
import { type Kind, show, string } from '../../wire/kinds.ts';

const NFTA_DEVICE_NAME = 1;
const NFTA_DEVICE_PREFIX = 2;
/** IFNAMSIZ is 16 with its NUL. */
const deviceName = string(15);

/** One name, which cannot be a prefix (NFTA_HOOK_DEV). */
export const device: Kind<string> = {
  put: (w, type, value) => {
    const [element, text] = typeof value === 'string' ? split(value) : [NFTA_DEVICE_NAME, value];
    if (element === NFTA_DEVICE_PREFIX) throw new EncodeError('', `${show(value)} is a prefix, which can only stand in a list`);
    deviceName.put(w, type, text);
  },
  get: (buffer, start, end) => joined(NFTA_DEVICE_NAME, deviceName.get(buffer, start, end)),
};

export const devices: Kind<readonly string[]> = {
  put: (w, type, value) => {
    if (!Array.isArray(value)) throw new EncodeError('', `a list of devices is needed, not ${show(value)}`);
    const at = w.begin(type | 0x8000);
    for (const [i, name] of (value as readonly unknown[]).entries()) {
      const [element, text] = typeof name === 'string' ? split(name) : [NFTA_DEVICE_NAME, name];
      try {
        deviceName.put(w, element, text as string);
      } catch (err) {
        throw err instanceof EncodeError ? err.within(`[${i}]`) : err;
      }
    }
    w.end(at);
  },
  get: (buffer, start, end) => {
    const out: string[] = [];
    for (let at = start; at < end; ) {
      const length = attributeLength(buffer, at, end);
      const type = attributeType(buffer, at);
      const name = joined(type, deviceName.get(buffer, at + 4, at + length));
      if (name === undefined) return undefined;
      out.push(name);
      at += align4(length);
    }
    return out;
  },
  path: (buffer, start, end, offset) => {
    for (let at = start, i = 0; at < end; i++) {
      at += align4(attributeLength(buffer, at, end));
      if (offset < at) return `[${i}]`;
    }
    return '';
  },
};

export function isPrefix(name: string): boolean {
  return name.endsWith('*') && !name.endsWith('\\*');
}

function split(name: string): readonly [element: number, text: string] {
  if (isPrefix(name)) return [NFTA_DEVICE_PREFIX, name.slice(0, -1)];
  return [NFTA_DEVICE_NAME, name.endsWith('\\*') ? `${name.slice(0, -2)}*` : name];
}

function joined(type: number, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (type === NFTA_DEVICE_NAME) return text.endsWith('*') ? `${text.slice(0, -1)}\\*` : text;
  // A prefix that ends in a backslash would read as an escaped name: it stays bytes.
  return type === NFTA_DEVICE_PREFIX && !text.endsWith('\\') ? `${text}*` : undefined;
}
