// Userdata of sets and their elements: type-length-value, a byte each for type and length (libnftnl/udata.h). What nft
// keeps there decides how it prints a set: the wrong byte order there and every value is misprinted.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { decodeText, encodeText } from '../../wire/text.ts';
import type { ByteOrder } from './datatypes.ts';
import type { DataKind } from './field.ts';

/** enum nftnl_udata_set_types. */
const SET = { keyByteorder: 0, dataByteorder: 1, mergeElements: 2, keyTypeof: 3, dataTypeof: 4, dataInterval: 6, comment: 7 } as const;
/** enum nftnl_udata_set_elem_types. */
const ELEMENT = { comment: 0, flags: 1 } as const;
/** The interval has no end element: it reaches the last key (nft's SET_ELEM_F_INTERVAL_OPEN). */
const INTERVAL_OPEN = 1;
/** nft's own limit; a TLV has room for 255 bytes with the NUL. */
const COMMENT_MAX = 128;

/** enum byteorder of nft's datatype.h. */
const byteorders: readonly ByteOrder[] = ['none', 'host', 'big'];

export interface Tlv {
  readonly type: number;
  readonly data: Uint8Array;
}

/** Undefined where the bytes are no such list: another program's. */
export function readTlvs(bytes: Uint8Array | undefined): Tlv[] | undefined {
  const out: Tlv[] = [];
  for (let at = 0; bytes !== undefined && at < bytes.length; ) {
    const length = bytes[at + 1];
    if (length === undefined || at + 2 + length > bytes.length) return undefined;
    out.push({ type: bytes[at] as number, data: bytes.subarray(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return out;
}

function joined(list: readonly Tlv[]): Uint8Array {
  const out = new Uint8Array(list.reduce((sum, tlv) => sum + 2 + tlv.data.length, 0));
  let at = 0;
  for (const { type, data } of list) {
    out[at] = type;
    out[at + 1] = data.length;
    out.set(data, at + 2);
    at += 2 + data.length;
  }
  return out;
}

/** In the machine's own order; nflink's machines are little endian. */
const number = (type: number, n: number): Tlv => ({ type, data: Uint8Array.of(n & 0xff, (n >> 8) & 0xff, (n >> 16) & 0xff, n >>> 24) });
const numberOf = (tlv: Tlv | undefined): number | undefined =>
  tlv?.data.length === 4 ? new DataView(tlv.data.buffer, tlv.data.byteOffset).getUint32(0, true) : undefined;

function comment(type: number, text: unknown): Tlv {
  if (typeof text !== 'string') throw new EncodeError('comment', `a string is needed, not ${show(text)}`);
  const bytes = encodeText(text);
  if (bytes.length > COMMENT_MAX) throw new EncodeError('comment', `${bytes.length} bytes, nft allows ${COMMENT_MAX}`);
  if (bytes.includes(0)) throw new EncodeError('comment', 'a comment cannot hold a NUL');
  const data = new Uint8Array(bytes.length + 1);
  data.set(bytes);
  return { type, data };
}

function commentIn(tlv: Tlv | undefined): string | undefined {
  if (tlv === undefined || tlv.data.at(-1) !== 0) return undefined;
  return decodeText(tlv.data, 0, tlv.data.length - 1);
}

export interface SetUserdata {
  readonly key: DataKind;
  /** A map's: its data, or what has none of its own. */
  readonly data?: DataKind | 'verdict' | 'object';
  readonly dataInterval: boolean;
  readonly autoMerge: boolean;
  readonly comment?: unknown;
}

const EXPR_CONCAT = 13;
/** What nft writes of a concatenation named by its types: an EXPR_CONCAT (TYPEOF_EXPR 0) without members (TYPEOF_DATA 1). */
const concatStub = (type: number): Tlv => ({ type, data: joined([number(0, EXPR_CONCAT), { type: 1, data: new Uint8Array(0) }]) });

const orderOf = (kind: DataKind): number => (kind.fields.length === 1 ? byteorders.indexOf(kind.fields[0]?.order ?? 'none') : 0);

/** As nft 1.0.6 writes it. */
export function setUserdata(u: SetUserdata): Uint8Array {
  const data = typeof u.data === 'object' ? u.data : undefined;
  const list: Tlv[] = [number(SET.keyByteorder, orderOf(u.key))];
  if (u.data !== undefined && u.data !== 'object') list.push(number(SET.dataByteorder, data === undefined ? 0 : orderOf(data)));
  if (u.autoMerge) list.push(number(SET.mergeElements, 1));
  if (u.key.fields.length > 1) list.push(concatStub(SET.keyTypeof));
  if (data !== undefined && data.fields.length > 1) list.push(concatStub(SET.dataTypeof));
  if (u.data !== undefined) list.push(number(SET.dataInterval, u.dataInterval ? 1 : 0));
  if (u.comment !== undefined) list.push(comment(SET.comment, u.comment));
  return joined(list);
}

export interface ReadSetUserdata {
  readonly keyOrder?: ByteOrder;
  readonly dataOrder?: ByteOrder;
  readonly autoMerge: boolean;
  readonly dataInterval: boolean;
  readonly comment?: string;
  readonly keyTypeof?: Uint8Array;
  readonly dataTypeof?: Uint8Array;
}

export function readSetUserdata(bytes: Uint8Array | undefined): ReadSetUserdata {
  const list = readTlvs(bytes) ?? [];
  const find = (type: number): Tlv | undefined => list.find((tlv) => tlv.type === type);
  const order = (type: number): ByteOrder | undefined => byteorders[numberOf(find(type)) ?? -1];
  const [keyOrder, dataOrder] = [order(SET.keyByteorder), order(SET.dataByteorder)];
  const text = commentIn(find(SET.comment));
  const [keyTypeof, dataTypeof] = [find(SET.keyTypeof), find(SET.dataTypeof)];
  return {
    ...(keyOrder === undefined ? {} : { keyOrder }),
    ...(dataOrder === undefined ? {} : { dataOrder }),
    autoMerge: numberOf(find(SET.mergeElements)) === 1,
    dataInterval: numberOf(find(SET.dataInterval)) === 1,
    ...(text === undefined ? {} : { comment: text }),
    ...(keyTypeof === undefined ? {} : { keyTypeof: keyTypeof.data }),
    ...(dataTypeof === undefined ? {} : { dataTypeof: dataTypeof.data }),
  };
}

/** Undefined where an element needs none. */
export function elementUserdata(text: unknown, open: boolean): Uint8Array | undefined {
  const list = [...(text === undefined ? [] : [comment(ELEMENT.comment, text)]), ...(open ? [number(ELEMENT.flags, INTERVAL_OPEN)] : [])];
  return list.length === 0 ? undefined : joined(list);
}

/** The same without the mark of an interval that reaches the last key. */
export function withoutOpen(bytes: Uint8Array | undefined): Uint8Array | undefined {
  const list = readTlvs(bytes);
  if (list === undefined || !list.some((tlv) => tlv.type === ELEMENT.flags)) return bytes;
  const rest = list.filter((tlv) => tlv.type !== ELEMENT.flags);
  return rest.length === 0 ? undefined : joined(rest);
}

export function elementComment(bytes: Uint8Array | undefined): string | undefined {
  return commentIn((readTlvs(bytes) ?? []).find((tlv) => tlv.type === ELEMENT.comment));
}
