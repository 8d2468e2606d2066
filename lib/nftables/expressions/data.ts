// NFTA_DATA_*: a value, or a verdict (linux/netfilter/nf_tables.h, enum nft_data_attributes; nf_tables_api.c nft_data_init).
import { findAttribute } from '../../wire/attributes.ts';
import { EncodeError } from '../../wire/errors.ts';
import { be32, beInt32, bytes, type Kind, reviveBytes, show, string, words } from '../../wire/kinds.ts';
import { type AttributeTable, attributes, type Fields, nested, optional, required } from '../../wire/table.ts';
import { NLA_F_NESTED } from '../../wire/writer.ts';

const NFTA_DATA_VALUE = 1;
const NFTA_DATA_VERDICT = 2;
/** NFT_DATA_VALUE_MAXLEN. */
const VALUE_MAX = 64;
/** NFT_CHAIN_MAXNAMELEN is NFT_NAME_MAXLEN (256) with its NUL. */
export const NAME_MAX = 255;

const verdictShape = {
  /** Negative numbers are nf_tables' own (enum nft_verdicts), others Netfilter's; a queue's number stands in the high 16 bits. */
  verdict: required(1, words(beInt32, { accept: 1, drop: 0, queue: 3, continue: -1, break: -2, jump: -3, goto: -4, return: -5 })),
  /** For jump and goto. */
  chain: optional(2, string(NAME_MAX)),
  /** A chain added in the same batch, by its NFTA_CHAIN_ID. */
  chainId: optional(3, be32),
};
export type Verdict = Fields<typeof verdictShape>;
const verdictTable: AttributeTable<Verdict> = attributes(verdictShape);
const verdictKind = nested(verdictTable);
const valueKind = bytes(VALUE_MAX, 1);

/**
 * A value only, as in cmp, in the byte order of what it is compared with: 1 to 64 bytes. In a rule the kernel takes 16, the
 * size of struct nft_data; only the keys of sets are longer.
 */
export const value: Kind<Uint8Array> = {
  put: (w, type, v) => {
    const at = w.begin(type | NLA_F_NESTED);
    valueKind.put(w, NFTA_DATA_VALUE, v);
    w.end(at);
  },
  get: (buffer, start, end) => {
    const found = only(buffer, start, end, NFTA_DATA_VALUE);
    return found && valueKind.get(buffer, found[0], found[1]);
  },
  revive: reviveBytes,
};

/** A value or a verdict, as in immediate. */
export const valueOrVerdict: Kind<Uint8Array | Verdict> = {
  put: (w, type, v) => {
    if (v instanceof Uint8Array) return value.put(w, type, v);
    if (typeof v !== 'object' || v === null) throw new EncodeError('', `bytes or a verdict are needed, not ${show(v)}`);
    const at = w.begin(type | NLA_F_NESTED);
    verdictKind.put(w, NFTA_DATA_VERDICT, v);
    w.end(at);
  },
  get: (buffer, start, end) => {
    const verdict = only(buffer, start, end, NFTA_DATA_VERDICT);
    return verdict === undefined ? value.get(buffer, start, end) : verdictKind.get(buffer, verdict[0], verdict[1]);
  },
  revive: (json) => (typeof json === 'string' ? reviveBytes(json) : verdictTable.revive(json)),
  path: (buffer, start, end, offset) => {
    const verdict = findAttribute(buffer, start, end, NFTA_DATA_VERDICT);
    return verdict !== undefined && offset >= verdict[0] ? verdictTable.path(buffer, verdict[0], verdict[1], offset) : '';
  },
};

/** The payload of attribute `type` when it is the only one there: anything beside it would be lost. */
function only(buffer: Uint8Array, start: number, end: number, type: number): readonly [number, number] | undefined {
  const found = findAttribute(buffer, start, end, type);
  return found !== undefined && found[0] === start + 4 && ((found[1] + 3) & ~3) >= end ? found : undefined;
}
