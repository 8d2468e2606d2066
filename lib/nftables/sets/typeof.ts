// NFTNL_UDATA_SET_KEY_TYPEOF and DATA_TYPEOF: the expression a set was declared with (`typeof vlan id`). Read as far as it
// tells the size and byte order of integers, which have none in their type's number (nft's udata build and parse functions).

import type { FieldHint } from './field.ts';
import { readTlvs } from './userdata.ts';

const TYPEOF_EXPR = 0;
const TYPEOF_DATA = 1;
/** enum expr_types of nft's expression.h. */
const EXPR = {
  payload: 7,
  exthdr: 8,
  meta: 9,
  socket: 10,
  osf: 11,
  ct: 12,
  concat: 13,
  numgen: 23,
  hash: 24,
  rt: 25,
  fib: 26,
  xfrm: 27,
} as const;
/** Under TYPEOF_DATA of a payload of integer type: its length in bits. */
const PAYLOAD_LEN = 4;
const CT_KEY = 0;
/** enum nft_ct_keys: bytes, packets and average of 8 bytes, zone of 2, id in network order. */
const CT = { id: 23, bytes: 15, packets: 14, avgpkt: 16, zone: 17 } as const;
/** enum nft_meta_keys: 4 bytes but for these. */
const META_RANDOM = 24;
const RT_TCPMSS = 3;
const XFRM_SPI = 6;

export function typeofHints(bytes: Uint8Array | undefined): readonly FieldHint[] {
  const parts = typeofParts(bytes);
  if (parts === undefined) return [];
  if (parts.expression !== EXPR.concat) return [hint(parts.expression, parts.data)];
  // Members are nested, each a TLV numbered by its place that holds a TYPEOF of its own.
  return (readTlvs(parts.data) ?? []).map((member) => {
    const inner = typeofParts(member.data);
    return inner === undefined ? {} : hint(inner.expression, inner.data);
  });
}

function typeofParts(bytes: Uint8Array | undefined): { readonly expression: number; readonly data: Uint8Array } | undefined {
  const list = readTlvs(bytes);
  const expression = list?.find((tlv) => tlv.type === TYPEOF_EXPR)?.data;
  if (list === undefined || expression?.length !== 4) return undefined;
  return { expression: expression[0] as number, data: list.find((tlv) => tlv.type === TYPEOF_DATA)?.data ?? new Uint8Array(0) };
}

function u32(data: Uint8Array, type: number): number | undefined {
  const found = (readTlvs(data) ?? []).find((tlv) => tlv.type === type)?.data;
  return found?.length === 4 ? new DataView(found.buffer, found.byteOffset).getUint32(0, true) : undefined;
}

function hint(expression: number, data: Uint8Array): FieldHint {
  switch (expression) {
    case EXPR.payload: {
      const bits = u32(data, PAYLOAD_LEN);
      return { order: 'big', ...(bits === undefined ? {} : { size: Math.ceil(bits / 8) }) };
    }
    case EXPR.exthdr:
      return { order: 'big' };
    case EXPR.meta:
      return u32(data, 0) === META_RANDOM ? { order: 'big', size: 4 } : {};
    case EXPR.ct: {
      const key = u32(data, CT_KEY);
      if (key === CT.id) return { order: 'big', size: 4 };
      if (key === CT.zone) return { size: 2 };
      return key === CT.bytes || key === CT.packets || key === CT.avgpkt ? { size: 8 } : {};
    }
    case EXPR.rt:
      return u32(data, 0) === RT_TCPMSS ? { size: 2 } : {};
    case EXPR.xfrm:
      return u32(data, 0) === XFRM_SPI ? { order: 'big', size: 4 } : {};
    default:
      return {};
  }
}
