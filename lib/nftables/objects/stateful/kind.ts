// One kind of named object: its number, the table of its NFTA_OBJ_DATA, and libnftables-json's words for it. Where a table's
// properties are those words already, nothing has to be converted.
import { EncodeError } from '../../../wire/errors.ts';
import { be32, type Kind, show } from '../../../wire/kinds.ts';
import type { AttributeTable } from '../../../wire/table.ts';

/** The words of an object beside family, table, name, handle and comment. */
export type Words = Readonly<Record<string, unknown>>;

export interface StatefulKind {
  /** NFT_OBJECT_*. */
  readonly number: number;
  readonly table: AttributeTable<object>;
  /** libnftables-json's words, where they are others than the table's. */
  readonly words?: {
    /** Words that may be written. Anything else is refused. */
    readonly known: readonly string[];
    toData(words: Words): object;
    toWords(data: Words): Words;
  };
  /** NFT_MSG_GETOBJ_RESET puts its counts back to zero. */
  readonly resettable?: true;
}

/** One flag as a boolean; with any other bit set the attribute is kept raw. */
export const invertFlag: Kind<boolean> = {
  put: (w, type, value) => {
    if (typeof value !== 'boolean') throw new EncodeError('', `true or false is needed, not ${show(value)}`);
    be32.put(w, type, value ? 1 : 0);
  },
  get: (buffer, start, end) => {
    const bits = be32.get(buffer, start, end);
    return bits === undefined || bits > 1 ? undefined : bits === 1;
  },
};

/** Protocols of conntrack objects (linux/in.h); `generic` is conntrack's own for all others. */
// biome-ignore format: a line holds what belongs together
export const protocols = { icmp: 1, tcp: 6, udp: 17, dccp: 33, gre: 47, icmpv6: 58, sctp: 132, udplite: 136, generic: 255 };
