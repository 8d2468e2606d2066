// Handles that a transaction names by place or by name: looked up before the batch is sent.
import type { Connection } from '../connection.ts';
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import { be64, findAttribute, readMessage } from '../wire/attributes.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { NFTA_CHAIN_HANDLE } from './input/chain.ts';
import type { Lookup } from './input/kind.ts';
import { chainTable } from './objects/chain.ts';
import { familyName, NFNL_SUBSYS_NFTABLES, NFT_MSG_GETCHAIN } from './objects/messages.ts';
import { dumpRules, request } from './read.ts';

/** Writes each handle to its place in `writer`. ENOENT where there is no such chain or place. */
export function* resolveLookups(connection: Connection, lookups: readonly Lookup[], writer: AttributeWriter): Verb<void> {
  const dumped = new Map<string, BigUint64Array>();
  for (const lookup of lookups) {
    const handle = lookup.kind === 'chain handle' ? yield* chainHandle(connection, lookup) : yield* ruleHandle(connection, lookup, dumped);
    writer.view.setBigUint64(lookup.at, handle);
  }
}

function* chainHandle(connection: Connection, lookup: Lookup): Verb<bigint> {
  const w = new AttributeWriter(64);
  chainTable.encode(w, { table: lookup.table, name: lookup.chain });
  try {
    const data = yield* request(connection, 'rename', (NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_GETCHAIN, lookup.family, w.written());
    const message = readMessage(data, 0);
    const found = findAttribute(data, message.start, message.end, NFTA_CHAIN_HANDLE);
    if (found !== undefined) return be64(data, found[0]);
  } catch (err) {
    if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
  }
  throw missing(lookup, 'name', `no chain ${place(lookup)} in the kernel, and only those can be renamed`);
}

function* ruleHandle(connection: Connection, lookup: Lookup, dumped: Map<string, BigUint64Array>): Verb<bigint> {
  const key = JSON.stringify([lookup.family, lookup.table, lookup.chain]);
  let handles = dumped.get(key);
  if (handles === undefined) {
    handles = (yield* dumpRules(connection, { family: lookup.family, table: lookup.table, chain: lookup.chain })).handles;
    dumped.set(key, handles);
  }
  const handle = handles[lookup.index ?? 0];
  if (handle === undefined)
    throw missing(lookup, 'index', `no rule at index ${lookup.index} in chain ${place(lookup)}, which has ${handles.length}`);
  return handle;
}

function place(lookup: Lookup): string {
  return `${familyName(lookup.family)} ${lookup.table} ${lookup.chain}`;
}

function missing({ named }: Lookup, path: string, why: string): NetfilterError {
  const operation = named === undefined ? undefined : { index: named.index ?? 0, verb: named.verb, object: named.object, path };
  const who = operation === undefined ? '' : `operation ${operation.index} (${operation.verb}): `;
  return new NetfilterError(`${who}${why}; nothing was sent`, {
    code: 'ENOENT',
    errno: ENOENT,
    ...(operation === undefined ? {} : { operation }),
  });
}
