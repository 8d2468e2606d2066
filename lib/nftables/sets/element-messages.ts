// Writes elements into messages: an attribute's length has 16 bits, so a long list becomes several messages of one batch.
import { EncodeError } from '../../wire/errors.ts';
import { AttributeWriter, NLA_F_NESTED, NLA_HDRLEN } from '../../wire/writer.ts';
import { type ElementAttributes, elementListTable, elementTable } from '../objects/element.ts';

const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_KEY_END = 10;
const NFTA_DATA_VALUE = 1;
/** NFT_DATA_VALUE_MAXLEN. */
const KEY_MAX = 64;
const nothing = new Uint8Array(0);
/** The flags of an element that ends an interval; this very list is known again when it is written. */
export const intervalEnd: NonNullable<ElementAttributes['flags']> = ['interval end'];

function encodedHead(attributes: ElementAttributes): Uint8Array {
  const w = new AttributeWriter(64);
  elementTable.encode(w, attributes);
  return w.written().slice();
}
const NLA_MAX = 0xffff;

/** Where the elements go. */
export interface ElementTarget {
  readonly table: string;
  readonly set: string;
  readonly setId?: number;
}

/** What a message's element `i` is in the user's list; -1 for what nflink added. */
export type Places = (i: number) => number;

export class ElementMessages {
  readonly #w: AttributeWriter;
  readonly #target: ElementTarget;
  /** Ends the message. */
  readonly #emit: (places: Places, count: number) => void;
  #list = -1;
  #places: number[] = [];

  constructor(w: AttributeWriter, target: ElementTarget, emit: (places: Places, count: number) => void) {
    this.#w = w;
    this.#target = target;
    this.#emit = emit;
  }

  #begin(): void {
    elementListTable.encode(this.#w, this.#target);
    this.#list = this.#w.begin(NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
  }

  /** Elements that stay together in one message: the two ends of an interval. */
  add(index: number, ...elements: readonly ElementAttributes[]): void {
    if (this.#list < 0) this.#begin();
    const w = this.#w;
    const start = w.length;
    this.#write(index, elements);
    if (w.length - this.#list > NLA_MAX && this.#places.length > 0) {
      const bytes = w.bytes.slice(start, w.length);
      w.rewind(start);
      this.end();
      this.#begin();
      w.append(bytes);
    }
    for (const _ of elements) this.#places.push(index);
  }

  #write(index: number, elements: readonly ElementAttributes[]): void {
    try {
      for (const element of elements) {
        if (this.#writeKey(element)) continue;
        const at = this.#w.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
        elementTable.encode(this.#w, element);
        this.#w.end(at);
      }
    } catch (err) {
      throw err instanceof EncodeError && index >= 0 ? err.within(`elem[${index}]`) : err;
    }
  }

  /**
   * The common element, a key and perhaps flags and times, which most have alike: these are encoded once, and the key is put
   * behind them. False for any other.
   */
  #writeKey(e: ElementAttributes): boolean {
    if (e.key === undefined || e.keyEnd !== undefined || e.data !== undefined || e.userdata !== undefined || e.objref !== undefined)
      return false;
    if (e.expr !== undefined || e.expressions !== undefined || e.unknown !== undefined) return false;
    const length = e.key.length;
    if (length === 0 || length > KEY_MAX) return false;
    const isEnd = e.flags === intervalEnd;
    if (e.flags !== undefined && !isEnd) return false;
    const head = isEnd ? this.#endHead : e.timeout === undefined && e.expiration === undefined ? nothing : this.#headOf(e);
    const value = (length + 3) & ~3;
    const size = 3 * NLA_HDRLEN + head.length + value;
    const w = this.#w;
    w.reserve(size);
    const { view } = w;
    let at = w.length;
    view.setUint32(at, ((NFTA_LIST_ELEM | NLA_F_NESTED) << 16) | size, true);
    at += NLA_HDRLEN;
    w.bytes.set(head, at);
    at += head.length;
    view.setUint32(at, ((NFTA_SET_ELEM_KEY | NLA_F_NESTED) << 16) | (2 * NLA_HDRLEN + value), true);
    view.setUint32(at + NLA_HDRLEN, (NFTA_DATA_VALUE << 16) | (NLA_HDRLEN + length), true);
    view.setUint32(at + 2 * NLA_HDRLEN + value - 4, 0);
    w.bytes.set(e.key, at + 2 * NLA_HDRLEN);
    w.length += size;
    return true;
  }

  readonly #endHead = encodedHead({ flags: intervalEnd });
  #lastTimes: Pick<ElementAttributes, 'timeout' | 'expiration'> = {};
  #lastHead: Uint8Array = nothing;

  #headOf({ timeout, expiration }: ElementAttributes): Uint8Array {
    if (this.#lastTimes.timeout !== timeout || this.#lastTimes.expiration !== expiration) {
      this.#lastTimes = { ...(timeout === undefined ? {} : { timeout }), ...(expiration === undefined ? {} : { expiration }) };
      this.#lastHead = encodedHead(this.#lastTimes);
    }
    return this.#lastHead;
  }

  /** Ends the last message. */
  end(): void {
    if (this.#list < 0) return;
    this.#w.end(this.#list);
    this.#list = -1;
    const places = this.#places;
    this.#places = [];
    this.#emit((i) => places[i] ?? -1, places.length);
  }

  /** Packed keys: the same element again and again with another key, copied without an object for each. */
  packed(keys: Uint8Array, length: number, element: Omit<ElementAttributes, 'key' | 'keyEnd'>, keyEnd: boolean): void {
    const w = this.#w;
    const key = new Uint8Array(length);
    const from = w.length;
    const at = w.begin(NFTA_LIST_ELEM | NLA_F_NESTED);
    elementTable.encode(w, { ...element, key, ...(keyEnd ? { keyEnd: key } : {}) });
    w.end(at);
    const template = w.bytes.slice(from, w.length);
    w.rewind(from);
    const offsets = keyOffsets(template, keyEnd);
    const perMessage = Math.floor((NLA_MAX - NLA_HDRLEN) / template.length);
    const count = keys.length / length;
    for (let first = 0; first < count; first += perMessage) {
      const n = Math.min(perMessage, count - first);
      this.#begin();
      w.reserve(n * template.length);
      const { bytes } = w;
      let to = w.length;
      let source = first * length;
      for (let i = 0; i < n; i++, to += template.length, source += length) {
        bytes.set(template, to);
        for (const offset of offsets) for (let b = 0; b < length; b++) bytes[to + offset + b] = keys[source + b] as number;
      }
      w.length = to;
      w.end(this.#list);
      this.#list = -1;
      this.#emit((i) => first + i, n);
    }
  }
}

/** Where the bytes of KEY, and of KEY_END, stand in an encoded element. */
function keyOffsets(template: Uint8Array, keyEnd: boolean): number[] {
  const view = new DataView(template.buffer, template.byteOffset, template.length);
  const out: number[] = [];
  for (let at = NLA_HDRLEN; at < template.length; at += (view.getUint16(at, true) + 3) & ~3) {
    const type = view.getUint16(at + 2, true) & ~NLA_F_NESTED;
    // The element's attribute, its nested NFTA_DATA_VALUE, then the bytes.
    if (type === NFTA_SET_ELEM_KEY || (keyEnd && type === NFTA_SET_ELEM_KEY_END)) out.push(at + 2 * NLA_HDRLEN);
  }
  return out;
}
