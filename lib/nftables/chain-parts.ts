// A dump of rules asked for chain by chain, where that is cheaper: which chains there are is asked first.
import type { Connection } from '../connection.ts';
import { Slice, type Verb } from '../run.ts';
import { align4, be32, findAttribute, type Message, readMessage } from '../wire/attributes.ts';
import { NFPROTO_UNSPEC, NFT_MSG_GETCHAIN } from './objects/messages.ts';
import { NFTA_RULE } from './objects/rule.ts';
import { type DumpParts, dump, perChainPays, type RuleScope } from './read.ts';

/** enum nft_chain_attributes. */
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_USE = 6;

export interface ChainParts {
  /** Chain by chain; undefined where the whole in one dump is cheaper. */
  readonly parts?: DumpParts;
  /** The low half of the generation the chains are of; -1: there is none in the family. */
  readonly generation16: number;
}

/** How many chains are gone through between two looks at the clock. */
const AT_ONCE = 256;

/** The chains of the scopes, none of which names a chain. */
export function* chainParts(connection: Connection, scopes: readonly RuleScope[]): Verb<ChainParts> {
  const families = new Set(scopes.map((s) => s.family));
  const family = families.size === 1 ? (scopes[0] as RuleScope).family : NFPROTO_UNSPEC;
  const { data, index, generation16 } = yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, family);
  const bytes = new Uint8Array(data);
  const writers = scopes.map((scope) => new PartsWriter(bytes, scope));
  const slice = new Slice();
  for (let i = 0; i < index.length; i++) {
    if (i % AT_ONCE === 0) yield* slice.pause();
    const chain = readMessage(bytes, index[i] as number);
    const table = findAttribute(bytes, chain.start, chain.end, NFTA_CHAIN_TABLE);
    if (table === undefined) continue;
    for (const writer of writers) if (writer.takes(chain.family, table)) writer.add(chain, table);
  }
  const used = writers.reduce((sum, w) => sum + w.used, 0);
  const length = writers.reduce((sum, w) => sum + w.parts.length / 2, 0);
  // A chain's use counts its rules and the jumps to it.
  if (!perChainPays(used / 2, length)) return { generation16 };
  return { parts: joined(writers), generation16 };
}

/** The chains of one scope, in the order they came. */
class PartsWriter {
  readonly parts: number[] = [];
  attributes = new Uint8Array(1024);
  length = 0;
  used = 0;
  readonly #bytes: Uint8Array;
  readonly #family: number;
  readonly #table: Uint8Array | undefined;

  constructor(bytes: Uint8Array, { family, table }: RuleScope) {
    this.#bytes = bytes;
    this.#family = family;
    this.#table = table === undefined ? undefined : new TextEncoder().encode(`${table}\0`);
  }
  takes(family: number, [start, end]: Range): boolean {
    if (this.#family !== NFPROTO_UNSPEC && this.#family !== family) return false;
    const wanted = this.#table;
    if (wanted === undefined) return true;
    if (end - start !== wanted.length) return false;
    for (let i = 0; i < wanted.length; i++) if (this.#bytes[start + i] !== wanted[i]) return false;
    return true;
  }
  add({ family, start, end }: Message, table: Range): void {
    const name = findAttribute(this.#bytes, start, end, NFTA_CHAIN_NAME);
    if (name === undefined) return;
    // As they came, under the numbers they have in a rule.
    this.#put(NFTA_RULE.table, table);
    this.#put(NFTA_RULE.chain, name);
    this.parts.push(family, this.length);
    const use = findAttribute(this.#bytes, start, end, NFTA_CHAIN_USE);
    if (use !== undefined) this.used += be32(this.#bytes, use[0]);
  }

  /** Names are short: copied by hand, that is many times faster. */
  #put(type: number, [start, end]: Range): void {
    const length = 4 + end - start;
    if (this.length + length + 4 > this.attributes.length) {
      const more = new Uint8Array(2 * this.attributes.length + length);
      more.set(this.attributes);
      this.attributes = more;
    }
    const { attributes: out, length: at } = this;
    out[at] = length & 0xff;
    out[at + 1] = length >> 8;
    out[at + 2] = type;
    for (let from = start, to = at + 4; from < end; from++, to++) out[to] = this.#bytes[from] as number;
    this.length += align4(length);
  }
}
type Range = readonly [start: number, end: number];

/** Scope by scope, as the whole would come. */
function joined(writers: readonly PartsWriter[]): DumpParts {
  const attributes = new Uint8Array(writers.reduce((sum, w) => sum + w.length, 0));
  const parts: number[] = [];
  let before = 0;
  for (const w of writers) {
    attributes.set(w.attributes.subarray(0, w.length), before);
    for (let i = 0; i < w.parts.length; i += 2) parts.push(w.parts[i] as number, before + (w.parts[i + 1] as number));
    before += w.length;
  }
  return { parts: Uint32Array.from(parts), attributes };
}
