// Rows of element counters: the elements stay as the kernel dumped them, and each is decoded when it is looked at.
import { isDeepStrictEqual } from 'node:util';
import type { RowSource } from '../counters/named.ts';
import type { ElementInput } from '../model/ruleset.ts';
import type { NativeElementReply } from '../native.ts';
import { align4, attributeLength, attributeType, be32, findAttribute, readMessage } from '../wire/attributes.ts';
import { DecodeError } from '../wire/errors.ts';
import { elementTable } from './objects/element.ts';
import { type DumpedElement, plainElement, rangeElement, sortEdges } from './sets/decoded.ts';
import { type WantedElement, wantedElement } from './sets/element-input.ts';
import { compareBytes } from './sets/intervals.ts';
import { elementModel } from './sets/model.ts';
import { endsApart, type SetInfo } from './sets/set-info.ts';

/** An element of a set or map whose elements count. */
export interface CountedElement {
  /**
   * As a snapshot shows it: with its timeout, comment and statements. `indexOf` takes any form of `elem` and looks at the key, of a map also
   * at the value where one is given: '10.0.0.0/24' finds { elem: { val: { prefix … }, counter … } }, and not a larger range.
   */
  readonly element: ElementInput;
}

// linux/netfilter/nf_tables.h: enum nft_set_elem_list_attributes, nft_set_elem_attributes, nft_data_attributes.
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_FLAGS = 3;
const NFTA_DATA_VALUE = 1;
const NFT_SET_ELEM_INTERVAL_END = 1;

export class ElementRows implements RowSource<CountedElement> {
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly #info: SetInfo;
  readonly #data: Uint8Array;
  readonly #messages: Uint32Array;
  readonly #offsets: Uint32Array;
  /** Of ranges whose ends are elements of their own: see #keysBehind. */
  #nextKeys: Uint32Array | undefined;

  constructor(info: SetInfo, reply: NativeElementReply) {
    this.packets = reply.packets;
    this.bytes = reply.bytes;
    this.#info = info;
    this.#data = new Uint8Array(reply.data);
    this.#messages = reply.index;
    this.#offsets = reply.offsets;
  }

  row(i: number): CountedElement {
    return { element: elementModel(this.#info, this.#element(i)) };
  }

  indexOf(where: Partial<CountedElement>): number {
    const [name, ...more] = Object.keys(where);
    if (name === undefined) return Math.min(0, this.#offsets.length - 1);
    const wanted = name === 'element' && more.length === 0 ? wantedElement(this.#info, where.element) : undefined;
    if (wanted === undefined) return -1;
    return this.#offsets.findIndex((at, row) => this.#beginsLike(at, wanted) && isWanted(this.#element(row), wanted));
  }

  #element(row: number): DumpedElement {
    const at = this.#offsets[row] as number;
    const found = elementTable.decode(this.#data, at + 4, this.#endOf(at));
    if (found === undefined) throw new DecodeError('a set element with an attribute twice', at);
    if (!endsApart(this.#info)) return plainElement(found);
    this.#nextKeys ??= this.#keysBehind();
    const next = this.#nextKeys[row] as number;
    return rangeElement(found, next === 0 ? undefined : this.#data.subarray(next, next + this.#info.key.length));
  }

  /** Told from bytes alone: most are another. */
  #beginsLike(at: number, { range }: WantedElement): boolean {
    const key = this.#keyAt(at);
    return key === undefined || range === undefined ? key === range : compareBytes(key, range.low) === 0;
  }

  /** By row: where the key lies that comes next, or 0. Of all elements, those that don't count too: they end their neighbours. */
  #keysBehind(): Uint32Array {
    const data = this.#data;
    const edges: Edge[] = [];
    let rows = 0;
    for (const message of this.#messages) {
      const { start, end } = readMessage(data, message);
      const [first, last] = findAttribute(data, start, end, NFTA_SET_ELEM_LIST_ELEMENTS) ?? [end, end];
      for (let at = first, length = 0; at < last; at += align4(length)) {
        length = attributeLength(data, at, last);
        const counted = this.#offsets[rows] === at;
        const edge = edgeAt(data, at, at + length, counted ? rows : -1);
        if (edge !== undefined) edges.push(edge);
        if (counted) rows++;
      }
    }
    sortEdges(edges, (a, b) => compareAt(data, a.key, b.key, this.#info.key.length));
    const out = new Uint32Array(this.#offsets.length);
    let next = 0;
    for (let i = edges.length - 1; i >= 0; i--) {
      const { key, row } = edges[i] as Edge;
      if (row >= 0) out[row] = next;
      next = key;
    }
    return out;
  }

  #endOf(at: number): number {
    return at + attributeLength(this.#data, at, this.#data.length);
  }
  #keyAt(at: number): Uint8Array | undefined {
    const key = findAttribute(this.#data, at + 4, this.#endOf(at), NFTA_SET_ELEM_KEY);
    const value = key && findAttribute(this.#data, key[0], key[1], NFTA_DATA_VALUE);
    return value && this.#data.subarray(value[0], value[1]);
  }
}

/** Where a range begins, or behind its end: where its key lies; its row, or -1. */
interface Edge {
  readonly key: number;
  readonly isEnd: boolean;
  readonly row: number;
}

/** Undefined for the catch-all element. */
function edgeAt(data: Uint8Array, start: number, end: number, row: number): Edge | undefined {
  let key = 0;
  let isEnd = false;
  for (let at = start + 4, length = 0; at < end; at += align4(length)) {
    length = attributeLength(data, at, end);
    const type = attributeType(data, at);
    // One NFTA_DATA_VALUE.
    if (type === NFTA_SET_ELEM_KEY) key = at + 8;
    if (type === NFTA_SET_ELEM_FLAGS) isEnd = (be32(data, at + 4) & NFT_SET_ELEM_INTERVAL_END) !== 0;
  }
  return key === 0 ? undefined : { key, isEnd, row };
}

function compareAt(data: Uint8Array, a: number, b: number, length: number): number {
  for (let i = 0; i < length; i++) {
    const difference = (data[a + i] as number) - (data[b + i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

function isWanted({ low, high, rest }: DumpedElement, { range, data }: WantedElement): boolean {
  if (low === undefined || high === undefined) {
    if (range !== undefined) return false;
  } else if (range === undefined || compareBytes(low, range.low) !== 0 || compareBytes(high, range.high) !== 0) return false;
  return data === undefined || (isDeepStrictEqual(rest.data, data.data) && rest.objref === data.objref);
}
