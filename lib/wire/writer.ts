// Appends netlink attributes to one growing buffer. struct nlattr: u16 length with header, u16 type, both in host order;
// payload padded to 4 bytes (linux/netlink.h, NLA_ALIGNTO). Hosts of nflink are little endian.
import { EncodeError } from './errors.ts';
import { encodeText, putAscii } from './text.ts';

export const NLA_HDRLEN = 4;
export const NLA_F_NESTED = 0x8000;
const NLA_MAX = 0xffff;

export class AttributeWriter {
  bytes: Uint8Array;
  view: DataView;
  length = 0;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Makes room for `count` bytes more; `bytes` and `view` may be new ones after it. */
  reserve(count: number): void {
    const need = this.length + count;
    if (need <= this.bytes.length) return;
    const bytes = new Uint8Array(Math.max(need, this.bytes.length * 2));
    bytes.set(this.bytes.subarray(0, this.length));
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }

  /** What has been written. A view: valid until the next write. */
  written(from = 0): Uint8Array {
    return this.bytes.subarray(from, this.length);
  }

  /** Forgets what was written after `length`. */
  rewind(length: number): void {
    this.bytes.fill(0, length, this.length);
    this.length = length;
  }

  /** Starts an attribute whose length is not known yet; returns what `end` needs. */
  begin(type: number): number {
    this.reserve(NLA_HDRLEN);
    const at = this.length;
    this.view.setUint16(at + 2, type, true);
    this.length = at + NLA_HDRLEN;
    return at;
  }

  end(at: number): void {
    const size = this.length - at;
    if (size > NLA_MAX) throw new EncodeError('', `${size - NLA_HDRLEN} bytes do not fit an attribute, whose length has 16 bits`);
    this.view.setUint16(at, size, true);
    this.pad();
  }

  private pad(): void {
    const padded = (this.length + 3) & ~3;
    this.reserve(padded - this.length);
    while (this.length < padded) this.bytes[this.length++] = 0;
  }

  /** Writes the header and makes room; `view` may be another one afterwards, so take it after this. */
  private fixed(type: number, size: number): number {
    const room = NLA_HDRLEN + ((size + 3) & ~3);
    this.reserve(room);
    const at = this.length;
    this.view.setUint32(at, (type << 16) | (NLA_HDRLEN + size), true);
    this.length = at + room;
    return at + NLA_HDRLEN;
  }

  u8(type: number, value: number): void {
    const at = this.fixed(type, 1);
    this.view.setUint32(at, value, true);
  }
  be16(type: number, value: number): void {
    const at = this.fixed(type, 2);
    this.view.setUint16(at, value);
    this.view.setUint16(at + 2, 0);
  }
  be32(type: number, value: number): void {
    const at = this.fixed(type, 4);
    this.view.setUint32(at, value);
  }
  host32(type: number, value: number): void {
    const at = this.fixed(type, 4);
    this.view.setUint32(at, value, true);
  }
  be64(type: number, value: bigint): void {
    const at = this.fixed(type, 8);
    this.view.setBigUint64(at, value);
  }

  /** The payload that lies in `bytes` at [start, end): a short one, without a view of its own. */
  copy(type: number, bytes: Uint8Array, [start, end]: readonly [start: number, end: number]): void {
    const at = this.begin(type);
    this.reserve(end - start);
    for (let i = start; i < end; i++) this.bytes[this.length++] = bytes[i] as number;
    this.end(at);
  }

  raw(type: number, payload: Uint8Array): void {
    const at = this.begin(type);
    this.append(payload);
    this.end(at);
  }

  /** NUL-terminated text (nla_put_string). */
  string(type: number, text: string): void {
    const at = this.begin(type);
    this.reserve(text.length + 1);
    if (putAscii(this.bytes, this.length, text)) this.length += text.length;
    else {
      if (text.includes('\0')) throw new EncodeError('', 'a kernel string cannot hold a NUL');
      this.append(encodeText(text));
    }
    this.reserve(1);
    this.bytes[this.length++] = 0;
    this.end(at);
  }

  append(payload: Uint8Array): void {
    this.reserve(payload.length);
    this.bytes.set(payload, this.length);
    this.length += payload.length;
  }
}
