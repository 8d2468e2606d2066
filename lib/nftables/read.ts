// Requests and dumps: what is asked of the kernel, as bytes. Decoding happens where the objects are looked at.
import type { Connection } from '../connection.ts';
import { EPERM, errnoName, errnoText } from '../errno.ts';
import { fromFailure, NetfilterError } from '../errors.ts';
import { DUMP_ACROSS_COMMITS, DUMP_KEEP, type NativeCounterReply, type NativeDumpReply, type NativeElementReply } from '../native.ts';
import type { Verb } from '../run.ts';
import { be32, findAttribute, readMessage } from '../wire/attributes.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { NFNL_SUBSYS_NFTABLES, NFPROTO_UNSPEC, NFT_MSG_GETGEN } from './objects/messages.ts';
import { ruleTable } from './objects/rule.ts';

/** A dump that is interrupted this often gives up with EINTR. */
const DUMP_RETRIES = 20;
/** enum nft_gen_attributes. */
const NFTA_GEN_ID = 1;
const nothing = new Uint8Array(0);

export function nftType(message: number): number {
  return (NFNL_SUBSYS_NFTABLES << 8) | message;
}

/** One message out, one back. The kernel's refusal is a NetfilterError. */
export function* request(connection: Connection, what: string, type: number, family: number, attributes: Uint8Array): Verb<Uint8Array> {
  const reply = yield* connection.on(
    'dump',
    what,
    (c) => c.requestSync(type, family, 0, attributes),
    (c) => c.request(type, family, 0, attributes),
  );
  connection.check(what, reply.failure);
  const error = reply.errors[0];
  if (error !== undefined) {
    const kernel = error.message === undefined ? '' : `: ${error.message}`;
    if (error.errno === EPERM) throw fromFailure(`${what} in ${connection.where}`, { call: 'request', errno: EPERM });
    throw new NetfilterError(`${what} in ${connection.where}: ${errnoText(error.errno)} (${errnoName(error.errno)})${kernel}`, {
      code: errnoName(error.errno),
      errno: error.errno,
      ...(error.message === undefined ? {} : { kernelMessage: error.message }),
    });
  }
  if (reply.data === undefined)
    throw new NetfilterError(`${what} in ${connection.where}: the kernel gave no answer`, { code: 'ERR_NO_REPLY' });
  return new Uint8Array(reply.data);
}

export interface Generation {
  readonly generation: number;
}

/**
 * The generation of the ruleset: u32, changes with every commit in the namespace (NFT_MSG_GETGEN). Who asks is in the answer too, not who has
 * committed: nf_tables_fill_gen_info() takes `current`.
 */
export function* readGeneration(connection: Connection): Verb<Generation> {
  const bytes = yield* request(connection, 'generation', nftType(NFT_MSG_GETGEN), NFPROTO_UNSPEC, nothing);
  const message = readMessage(bytes, 0);
  const id = findAttribute(bytes, message.start, message.end, NFTA_GEN_ID);
  return { generation: id === undefined ? 0 : be32(bytes, id[0]) };
}

/** After a commit: the kernel counts on and leaves out 0 (nf_tables_commit). */
export function nextGeneration(generation: number): number {
  return (generation + 1) >>> 0 || 1;
}

export interface RuleScope {
  readonly family: number;
  readonly table?: string;
  readonly chain?: string;
}

/** All rules of a scope with their counters. A table or chain that isn't there has no rules: no error (nf_tables_dump_rules). */
export function dumpRules(connection: Connection, scope: RuleScope): Verb<NativeCounterReply> {
  return dumpScopes(connection, [scope]);
}

/** What dumpCounters takes: see lib/native.ts. */
export interface DumpParts {
  readonly parts: Uint32Array;
  readonly attributes: Uint8Array;
}

export function partsOf(scopes: readonly RuleScope[]): DumpParts {
  const w = new AttributeWriter(64 * scopes.length);
  const parts = new Uint32Array(scopes.length * 2);
  for (const [i, { family, table, chain }] of scopes.entries()) {
    ruleTable.encode(w, { ...(table === undefined ? {} : { table }), ...(chain === undefined ? {} : { chain }) });
    parts.set([family, w.length], i * 2);
  }
  return { parts, attributes: w.written() };
}

/** The rules of several scopes in one reply and one generation, in the order of the scopes. */
export function dumpScopes(connection: Connection, scopes: readonly RuleScope[], across = false): Verb<NativeCounterReply> {
  return dumpParts(connection, partsOf(scopes), true, across);
}

/** Without `keep` the counters and handles are all that is left of the messages. `across`: whatever is committed meanwhile, see DUMP_ACROSS_COMMITS. */
export function* dumpParts(
  connection: Connection,
  { parts, attributes }: DumpParts,
  keep: boolean,
  across = false,
): Verb<NativeCounterReply> {
  const how = howOf(keep, across);
  const reply = yield* connection.on(
    'dump',
    'dump of rules',
    (c) => c.dumpCountersSync(parts, attributes, DUMP_RETRIES, how),
    (c) => c.dumpCounters(parts, attributes, DUMP_RETRIES, how),
  );
  connection.check('dump of rules', reply.failure);
  return reply;
}

function howOf(keep: boolean, across: boolean): number {
  return (keep ? DUMP_KEEP : 0) | (across ? DUMP_ACROSS_COMMITS : 0);
}

/**
 * A dump of rules is quadratic in what it walks: the kernel begins at the first rule again for every 32 KB. A dump per chain
 * walks that chain only and costs a request. Where the two cross follows from these two costs, measured on Linux 6.18.
 */
const QUADRATIC_NS = 0.08;
const REQUEST_NS = 6500;

export function perChainPays(rules: number, chains: number): boolean {
  return rules * rules * QUADRATIC_NS > chains * REQUEST_NS;
}

export function* dump(
  connection: Connection,
  what: string,
  message: number,
  family: number,
  attributes: Uint8Array = nothing,
): Verb<NativeDumpReply> {
  const reply = yield* connection.on(
    'dump',
    what,
    (c) => c.dumpSync(nftType(message), family, attributes, DUMP_RETRIES),
    (c) => c.dump(nftType(message), family, attributes, DUMP_RETRIES),
  );
  connection.check(what, reply.failure);
  return reply;
}

/** The elements of a set, counted, with their counters; without `keep` their number is all that is left. None is decoded. */
export function* dumpElements(
  connection: Connection,
  what: string,
  family: number,
  attributes: Uint8Array,
  keep: boolean,
  across = false,
): Verb<NativeElementReply> {
  const how = howOf(keep, across);
  const reply = yield* connection.on(
    'dump',
    what,
    (c) => c.dumpElementsSync(family, attributes, DUMP_RETRIES, how),
    (c) => c.dumpElements(family, attributes, DUMP_RETRIES, how),
  );
  connection.check(what, reply.failure);
  return reply;
}
