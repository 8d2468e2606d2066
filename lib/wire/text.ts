// Kernel strings to JavaScript strings and back without losing a byte. A name may hold any byte but NUL; bytes that are
// not UTF-8 become lone surrogates U+DC80..U+DCFF (as Python's surrogateescape) and return as the same bytes.
import { EncodeError } from './errors.ts';

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes `start`..`end` as text; the caller has cut the NUL off. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte >= 0x80) return decodeWide(bytes.subarray(start, end));
    text += String.fromCharCode(byte);
  }
  return text;
}

function decodeWide(bytes: Uint8Array): string {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    // Longest valid sequences stay text, every other byte is escaped on its own.
    let text = '';
    for (let i = 0; i < bytes.length; ) {
      const byte = bytes[i] as number;
      const length =
        byte < 0x80 ? 1 : byte >= 0xc2 && byte < 0xe0 ? 2 : byte >= 0xe0 && byte < 0xf0 ? 3 : byte >= 0xf0 && byte < 0xf5 ? 4 : 0;
      const part = length > 0 && i + length <= bytes.length ? decodeStrict(bytes.subarray(i, i + length)) : undefined;
      text += part ?? String.fromCharCode(0xdc00 + byte);
      i += part === undefined ? 1 : length;
    }
    return text;
  }
}

function decodeStrict(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The bytes of `text`, without NUL. Throws EncodeError for a lone surrogate that stands for no byte: it has none. */
export function encodeText(text: string): Uint8Array {
  if (!/[\ud800-\udfff]/.test(text)) return encoder.encode(text);
  const out: number[] = [];
  for (const char of text) {
    const code = char.codePointAt(0) as number;
    if (code >= 0xdc80 && code <= 0xdcff) out.push(code - 0xdc00);
    else if (code >= 0xd800 && code <= 0xdfff) throw new EncodeError('', `${JSON.stringify(text)} holds half a character`);
    else out.push(...encoder.encode(char));
  }
  return Uint8Array.from(out);
}

/** Writes `text` at `at` where it is all ASCII without NUL; false, with nothing promised about the bytes, where it isn't. */
export function putAscii(bytes: Uint8Array, at: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= 0x80 || code === 0) return false;
    bytes[at + i] = code;
  }
  return true;
}
