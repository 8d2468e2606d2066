// tunnel: the metadata of an encapsulation (enum nft_tunnel_key_attributes and its nested ones; nft_tunnel.c). The words are
// those of nft 1.1's language, which libnftables-json(5) of older releases does not have.
import { align4, attributeLength, attributeType } from '../../../wire/attributes.ts';
import { EncodeError } from '../../../wire/errors.ts';
import { be16, be32, bytes, flags, type Kind, u8, words } from '../../../wire/kinds.ts';
import { attributes, type Fields, nested, optional } from '../../../wire/table.ts';
import { NLA_F_NESTED } from '../../../wire/writer.ts';
import { ipv4, ipv6 } from './addresses.ts';
import type { StatefulKind, Words } from './kind.ts';

const NFTA_TUNNEL_KEY_OPTS_GENEVE = 3;

const geneveShape = {
  class: optional(1, be16),
  'opt-type': optional(2, u8),
  /** A multiple of four, at most 124 bytes. */
  data: optional(3, bytes(127)),
};
const geneveTable = attributes(geneveShape);
type Geneve = Fields<typeof geneveShape>;

const vxlan = nested(attributes({ gbp: optional(1, be32) }));
const erspan = nested(
  attributes({
    version: optional(1, be32),
    /** Version 1. */
    index: optional(2, be32),
    /** Version 2. */
    id: optional(3, u8),
    direction: optional(4, words(u8, { ingress: 0, egress: 1 })),
  }),
);

export interface TunnelOptions {
  readonly vxlan?: unknown;
  readonly erspan?: unknown;
  readonly geneve?: readonly Geneve[];
}

/** An attribute an option; geneve's may stand several times, and the kernel dumps them all in one. */
const optionsKind: Kind<TunnelOptions> = {
  put: (w, type, value) => {
    const at = w.begin(type | NLA_F_NESTED);
    if (value.vxlan !== undefined) vxlan.put(w, 1, value.vxlan as object);
    if (value.erspan !== undefined) erspan.put(w, 2, value.erspan as object);
    for (const [i, option] of (value.geneve ?? []).entries()) {
      try {
        nested(geneveTable).put(w, NFTA_TUNNEL_KEY_OPTS_GENEVE, option);
      } catch (err) {
        throw err instanceof EncodeError ? err.within(`geneve[${i}]`) : err;
      }
    }
    w.end(at);
  },
  get: (buffer, start, end) => {
    const out: { vxlan?: unknown; erspan?: unknown; geneve?: Geneve[] } = {};
    for (let at = start; at < end; ) {
      const length = attributeLength(buffer, at, end);
      const type = attributeType(buffer, at);
      if (type === NFTA_TUNNEL_KEY_OPTS_GENEVE) {
        const list = readGeneve(buffer, at + 4, at + length);
        if (list === undefined) return undefined;
        out.geneve = [...(out.geneve ?? []), ...list];
      } else {
        const value =
          type === 1 ? vxlan.get(buffer, at + 4, at + length) : type === 2 ? erspan.get(buffer, at + 4, at + length) : undefined;
        const name = type === 1 ? 'vxlan' : 'erspan';
        if (value === undefined || out[name] !== undefined) return undefined;
        out[name] = value;
      }
      at += align4(length);
    }
    return out;
  },
  revive: (json) => {
    const value = json as TunnelOptions;
    if (!Array.isArray(value?.geneve)) return value;
    return { ...value, geneve: value.geneve.map((option) => geneveTable.revive(option)) };
  },
};

/** Every class begins an option. */
function readGeneve(buffer: Uint8Array, start: number, end: number): Geneve[] | undefined {
  const out: Geneve[] = [];
  let from = start;
  for (let at = start; at < end; ) {
    const next = at + align4(attributeLength(buffer, at, end));
    if (next >= end || attributeType(buffer, next) === 1) {
      const option = geneveTable.decode(buffer, from, Math.min(next, end));
      if (option === undefined) return undefined;
      out.push(option);
      from = next;
    }
    at = next;
  }
  return out;
}

export const tunnel: StatefulKind = {
  number: 6,
  table: attributes({
    id: optional(1, be32),
    ip: optional(2, nested(attributes({ src: optional(1, ipv4), dst: optional(2, ipv4) }))),
    ip6: optional(3, nested(attributes({ src: optional(1, ipv6), dst: optional(2, ipv6), flowlabel: optional(3, be32) }))),
    sport: optional(7, be16),
    dport: optional(8, be16),
    tos: optional(5, u8),
    ttl: optional(6, u8),
    flags: optional(4, flags(be32, { 'zero-csum-tx': 1, 'dont-fragment': 2, 'seq-number': 4 })),
    opts: optional(9, optionsKind),
  }),
  words: {
    known: ['id', 'src', 'dst', 'flowlabel', 'flags', 'tos', 'ttl', 'sport', 'dport', 'vxlan', 'erspan', 'geneve'],
    toData,
    toWords,
  },
};

function toData(input: Words): object {
  const { src, dst, flowlabel, vxlan: v, erspan: e, geneve: g, ...rest } = input;
  const addresses = { ...(src === undefined ? {} : { src }), ...(dst === undefined ? {} : { dst }) };
  const six = flowlabel !== undefined || [src, dst].some((a) => typeof a === 'string' && a.includes(':'));
  const options = {
    ...(v === undefined ? {} : { vxlan: v }),
    ...(e === undefined ? {} : { erspan: e }),
    ...(g === undefined ? {} : { geneve: g }),
  };
  return {
    ...rest,
    ...(six ? { ip6: { ...addresses, ...(flowlabel === undefined ? {} : { flowlabel }) } } : (src ?? dst) ? { ip: addresses } : {}),
    ...(Object.keys(options).length === 0 ? {} : { opts: options }),
  };
}

function toWords({ ip, ip6, opts, ...rest }: Words): Words {
  return { ...rest, ...((ip ?? ip6 ?? {}) as Words), ...((opts ?? {}) as Words) };
}
