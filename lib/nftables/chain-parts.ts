// A dump of rules asked for chain by chain, where that is cheaper: which chains there are is asked first.
import type { Connection } from '../connection.ts';
import type { Verb } from '../run.ts';
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

/** The chains of the scopes, none of which names a chain. */
export function* chainParts(connection: Connection, scopes: readonly RuleScope[]): Verb<ChainParts> {
  const families = new Set(scopes.map((s) => s.family));
  const family = families.size === 1 ? (scopes[0] as RuleScope).family : NFPROTO_UNSPEC;
  const { data, index, generation16 } = yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, family);
  const bytes = new Uint8Array(data);
  const chains = Array.from(index, (at) => readMessage(bytes, at));
  const attributes = new Uint8Array(bytes.length * scopes.length);
  const parts: number[] = [];
  let [length, used] = [0, 0];
  // In the order of the scopes, as the whole would come.
  for (const scope of scopes) {
    const wanted = scope.table === undefined ? undefined : new TextEncoder().encode(`${scope.table}\0`);
    for (const chain of chains) {
      const { family: of, start, end } = chain;
      if (scope.family !== NFPROTO_UNSPEC && scope.family !== of) continue;
      const table = findAttribute(bytes, start, end, NFTA_CHAIN_TABLE);
      const name = findAttribute(bytes, start, end, NFTA_CHAIN_NAME);
      if (table === undefined || name === undefined || (wanted !== undefined && !isEqual(bytes, table, wanted))) continue;
      // As they came, under the numbers they have in a rule.
      length = put(attributes, length, NFTA_RULE.table, bytes, table);
      length = put(attributes, length, NFTA_RULE.chain, bytes, name);
      parts.push(of, length);
      used += useOf(bytes, chain);
    }
  }
  // A chain's use counts its rules and the jumps to it.
  if (!perChainPays(used / 2, parts.length / 2)) return { generation16 };
  return { parts: { parts: Uint32Array.from(parts), attributes: attributes.subarray(0, length) }, generation16 };
}

function useOf(bytes: Uint8Array, { start, end }: Message): number {
  const found = findAttribute(bytes, start, end, NFTA_CHAIN_USE);
  return found === undefined ? 0 : be32(bytes, found[0]);
}

function isEqual(bytes: Uint8Array, [start, end]: readonly [number, number], wanted: Uint8Array): boolean {
  if (end - start !== wanted.length) return false;
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

/** An attribute behind those that are there; where the next one begins. Names are short: copied by hand, that is many times faster. */
function put(out: Uint8Array, at: number, type: number, bytes: Uint8Array, [start, end]: readonly [number, number]): number {
  const length = 4 + end - start;
  out[at] = length & 0xff;
  out[at + 1] = length >> 8;
  out[at + 2] = type;
  for (let from = start, to = at + 4; from < end; from++, to++) out[to] = bytes[from] as number;
  return at + align4(length);
}
