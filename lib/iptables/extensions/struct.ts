// One xt_*_info struct: fields by offset. Integers are in host order unless the name says be…; hosts are little endian.
import { decodeText, encodeText, putAscii } from '../../wire/text.ts';
import { ValueError } from './value-error.ts';

export class Struct {
  readonly bytes: Uint8Array;
  #lazyView: DataView | undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Made when the first number is asked for: a comment has none, and a rule set has many comments. */
  get #view(): DataView {
    const { bytes } = this;
    this.#lazyView ??= new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return this.#lazyView;
  }

  u8(at: number): number {
    return this.#view.getUint8(at);
  }
  setU8(at: number, v: number): void {
    this.#view.setUint8(at, v);
  }
  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }
  setU16(at: number, v: number): void {
    this.#view.setUint16(at, v, true);
  }
  be16(at: number): number {
    return this.#view.getUint16(at);
  }
  setBe16(at: number, v: number): void {
    this.#view.setUint16(at, v);
  }
  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
  setU32(at: number, v: number): void {
    this.#view.setUint32(at, v, true);
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
