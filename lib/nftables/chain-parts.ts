// A dump of rules asked for chain by chain, where that is cheaper: which chains there are is asked first.
import type { Connection } from '../connection.ts';
import { Slice, type Verb } from '../run.ts';
import { be32, findAttribute, type Message, readMessage } from '../wire/attributes.ts';
import { AttributeWriter } from '../wire/writer.ts';
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
  readonly attributes = new AttributeWriter(1024);
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
    this.attributes.copy(NFTA_RULE.table, this.#bytes, table);
    this.attributes.copy(NFTA_RULE.chain, this.#bytes, name);
    this.parts.push(family, this.attributes.length);
    const use = findAttribute(this.#bytes, start, end, NFTA_CHAIN_USE);
    if (use !== undefined) this.used += be32(this.#bytes, use[0]);
  }
}
type Range = readonly [start: number, end: number];

/** Scope by scope, as the whole would come. */
function joined(writers: readonly PartsWriter[]): DumpParts {
  const all = new AttributeWriter(writers.reduce((sum, w) => sum + w.attributes.length, 0));
  const parts: number[] = [];
  for (const w of writers) {
    const before = all.length;
    all.append(w.attributes.written());
    for (let i = 0; i < w.parts.length; i += 2) parts.push(w.parts[i] as number, before + (w.parts[i + 1] as number));
  }
  return { parts: Uint32Array.from(parts), attributes: all.written() };
}
