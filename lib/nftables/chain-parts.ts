// A dump of rules asked for chain by chain, where that is cheaper: which chains there are is asked first.
import type { Connection } from '../connection.ts';
import type { Verb } from '../run.ts';
import { be32, findAttribute, type Message, readMessage } from '../wire/attributes.ts';
import { decodeText } from '../wire/text.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { NFPROTO_UNSPEC, NFT_MSG_GETCHAIN } from './objects/messages.ts';
import { ruleTable } from './objects/rule.ts';
import { type DumpParts, dump, perChainPays, type RuleScope } from './read.ts';

/** enum nft_chain_attributes. */
const NFTA_CHAIN_TABLE = 1;
const NFTA_CHAIN_NAME = 3;
const NFTA_CHAIN_USE = 6;

export interface ChainParts extends DumpParts {
  /** The low half of the generation they are of; -1: there is no chain. */
  readonly generation16: number;
}

/** The chains of the scopes, none of which names a chain; undefined where the whole in one dump is cheaper. */
export function* chainParts(connection: Connection, scopes: readonly RuleScope[]): Verb<ChainParts | undefined> {
  const families = new Set(scopes.map((s) => s.family));
  const family = families.size === 1 ? (scopes[0] as RuleScope).family : NFPROTO_UNSPEC;
  const { data, index, generation16 } = yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, family);
  const bytes = new Uint8Array(data);
  const chains = Array.from(index, (at) => readMessage(bytes, at));
  // A chain's use counts its rules and the jumps to it.
  const used = chains.reduce((sum, chain) => sum + useOf(bytes, chain), 0);
  if (!perChainPays(used / 2, chains.length)) return undefined;
  const w = new AttributeWriter(64 * chains.length);
  const parts: number[] = [];
  // In the order of the scopes, as the whole would come.
  for (const scope of scopes) {
    for (const chain of chains) {
      const table = textOf(bytes, chain, NFTA_CHAIN_TABLE);
      if ((scope.family !== NFPROTO_UNSPEC && scope.family !== chain.family) || (scope.table !== undefined && scope.table !== table))
        continue;
      ruleTable.encode(w, { table, chain: textOf(bytes, chain, NFTA_CHAIN_NAME) });
      parts.push(chain.family, w.length);
    }
  }
  return { parts: Uint32Array.from(parts), attributes: w.written(), generation16 };
}

function useOf(bytes: Uint8Array, { start, end }: Message): number {
  const found = findAttribute(bytes, start, end, NFTA_CHAIN_USE);
  return found === undefined ? 0 : be32(bytes, found[0]);
}
function textOf(bytes: Uint8Array, { start, end }: Message, type: number): string {
  const found = findAttribute(bytes, start, end, type);
  return found === undefined ? '' : decodeText(bytes, found[0], found[1] - 1);
}
