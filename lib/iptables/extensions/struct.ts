// One xt_*_info struct: fields by offset. Integers are in host order unless the name says be…; hosts are little endian. Bytes are put by hand: a
// DataView for every struct of a large rule set costs more than all its numbers.
import { decodeText, encodeText, putAscii } from '../../wire/text.ts';
import { ValueError } from './value-error.ts';

export class Struct {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  u8(at: number): number {
    return this.bytes[at] as number;
  }
  setU8(at: number, v: number): void {
    this.bytes[at] = v;
  }
  u16(at: number): number {
    return this.u8(at) | (this.u8(at + 1) << 8);
  }
  setU16(at: number, v: number): void {
    this.bytes[at] = v;
    this.bytes[at + 1] = v >>> 8;
  }
  be16(at: number): number {
    return (this.u8(at) << 8) | this.u8(at + 1);
  }
  setBe16(at: number, v: number): void {
    this.bytes[at] = v >>> 8;
    this.bytes[at + 1] = v;
  }
  u32(at: number): number {
    return (this.u16(at) | (this.u16(at + 2) << 16)) >>> 0;
  }
  setU32(at: number, v: number): void {
    this.setU16(at, v);
    this.setU16(at + 2, v >>> 16);
  }
  get #view(): DataView {
    const { bytes } = this;
    return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  u64(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }
  setU64(at: number, v: bigint): void {
    this.#view.setBigUint64(at, v, true);
  }
  /** NUL-terminated text in a field of `size` bytes. */
  text(at: number, size: number): string {
    let end = at;
    while (end < at + size && this.bytes[end] !== 0) end++;
    return decodeText(this.bytes, at, end);
  }
  /** Text with its NUL in a field of `size` bytes; longer text is refused. */
  setText(at: number, size: number, text: string): void {
    if (text.length < size && putAscii(this.bytes, at, text)) return;
    const bytes = encodeText(text);
    if (bytes.includes(0)) throw new ValueError(`${JSON.stringify(text)} holds a NUL`);
    if (bytes.length >= size) throw new ValueError(`"${text}" is too long, ${size - 1} bytes are allowed`);
    this.bytes.set(bytes, at);
  }
  copy(at: number, size: number): Uint8Array {
    return this.bytes.slice(at, at + size);
  }
  set(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at);
  }
}
