// A poll of rule counters: typed arrays straight from the dump. What the rows are is kept from one poll to the next for as long as the
// generation stands: then the messages are received and thrown away but for their counters.
import type { Connection } from '../connection.ts';
import { ledgerOf } from '../counters/ledger.ts';
import { Recent } from '../counters/recent.ts';
import { type Reading, RuleCounters, type RuleStructure, tableKey } from '../counters/rows.ts';
import type { Counter, InstalledRule } from '../model/ruleset.ts';
import type { NativeCounterReply } from '../native.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { show } from '../wire/kinds.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { chainParts } from './chain-parts.ts';
import { nameIn } from './input/kind.ts';
import { DumpedRule, RuleDump } from './installed-rule.ts';
import { familyName, familyNumber, NFPROTO_UNSPEC, NFT_MSG_GETTABLE } from './objects/messages.ts';
import { tableTable } from './objects/table.ts';
import { decodeAll, type TableName } from './picture.ts';
import { type DumpParts, dump, dumpParts, nftType, partsOf, perChainPays, type RuleScope, readGeneration, request } from './read.ts';

export interface CounterScope {
  readonly table?: TableName;
  /** Needs `table`. */
  readonly chain?: string;
}

/** How a row is shown: as an nf_tables rule, or as the iptables rule it stands for. */
export type RowView = (dump: RuleDump, row: number, counter: Counter | undefined) => InstalledRule;

const asRule: RowView = (dump, row, counter) => new DumpedRule(dump, row, counter);

/** What is asked of the kernel for a scope; throws EncodeError where that is none. */
export function ruleScope({ table, chain }: CounterScope): RuleScope {
  if (table === undefined) {
    if (chain !== undefined) throw new EncodeError('table', 'is missing: a chain needs its table');
    return { family: NFPROTO_UNSPEC };
  }
  if (typeof table !== 'object' || table === null)
    throw new EncodeError('table', `an object with family and name is needed, not ${show(table)}`);
  const scope: RuleScope = {
    family: familyNumber(table.family),
    table: nameIn({ ...table }, 'name'),
    ...(chain === undefined ? {} : { chain }),
  };
  partsOf([scope]);
  return scope;
}

class NftStructure implements RuleStructure {
  readonly generation: number;
  readonly dump: RuleDump;
  readonly tables: ReadonlyMap<string, bigint>;
  readonly length: number;
  readonly chain: Uint32Array;
  readonly handles: BigUint64Array;
  readonly contents: BigUint64Array;
  readonly counted: Uint8Array;
  /** What is dumped from now on: chain by chain where that is cheaper. */
  readonly parts: DumpParts;
  readonly #view: RowView;

  constructor(dump: RuleDump, tables: ReadonlyMap<string, bigint>, generation: number, parts: DumpParts, view: RowView) {
    const { reply } = dump;
    this.dump = dump;
    this.tables = tables;
    this.generation = generation;
    this.length = dump.length;
    this.chain = reply.chain;
    this.handles = reply.handles;
    this.contents = reply.contents;
    this.counted = reply.counted;
    this.#view = view;
    const cheaper = perChainPays(dump.length, reply.chainFirst.length);
    this.parts = cheaper ? { parts: reply.chainParts, attributes: reply.chainAttributes } : parts;
  }
  get places(): RuleStructure['places'] {
    return this.dump.chains;
  }
  rule(row: number, counter: Counter | undefined): InstalledRule {
    return this.#view(this.dump, row, counter);
  }
  /** Whether a later reply has the same rows. */
  fits(reply: NativeCounterReply): boolean {
    return reply.handles.length === this.length && bytesOf(reply.handles).equals(bytesOf(this.handles));
  }
}

function bytesOf(numbers: BigUint64Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

/** By connection and scope: the structure of the last poll. */
const known = new WeakMap<Connection, Recent<string, NftStructure>>();

/** The counters of the rules of several scopes, in one generation. */
export function* countRules(connection: Connection, scopes: readonly RuleScope[], view = asRule): Verb<RuleCounters> {
  const structures = structuresOf(connection);
  const key = JSON.stringify(scopes);
  const before = structures.get(key);
  if (before !== undefined && (yield* readGeneration(connection)).generation === before.generation) {
    const reply = yield* dumpParts(connection, before.parts, false);
    // Still nothing there, of which no message says the generation.
    if (before.length === 0 && reply.handles.length === 0 && (yield* readGeneration(connection)).generation === before.generation)
      return counters(before, reply, taken(connection), before.generation);
    // The messages carry the low half of the generation: no commit came between.
    if (reply.generation16 === (before.generation & 0xffff) && before.fits(reply))
      return counters(before, reply, taken(connection), before.generation);
  }
  const parts = partsOf(scopes);
  const tablesBefore = yield* tableHandles(connection);
  const reply = yield* dumpAnew(connection, scopes, parts, before);
  // A reset of ours may come before the next answer.
  const when = taken(connection);
  const tablesAfter = yield* tableHandles(connection);
  const { generation } = yield* readGeneration(connection);
  // No message, no generation: a commit may have come behind an empty dump.
  const sure = (generation & 0xffff) === reply.generation16;
  // Where somebody has committed since, a table may be another than the one whose rules these are.
  const tables = sure ? tablesAfter : new Map([...tablesAfter].filter(([name, handle]) => tablesBefore.get(name) === handle));
  const structure = new NftStructure(new RuleDump(reply), tables, generation, parts, view);
  if (sure) structures.set(key, structure);
  else structures.delete(key);
  return counters(structure, reply, when, sure ? generation : undefined);
}

/** How often chains are asked for that somebody's commit makes others. */
const CHAIN_TRIES = 3;

/** All rules of the scopes with their bytes: chain by chain where that is cheaper. */
function* dumpAnew(
  connection: Connection,
  scopes: readonly RuleScope[],
  whole: DumpParts,
  before: NftStructure | undefined,
): Verb<NativeCounterReply> {
  // Far from where chain by chain pays, with room to grow: chains aren't asked for.
  const few = before !== undefined && !perChainPays(2 * before.length, before.dump.reply.chainFirst.length);
  for (let left = few || scopes.some((s) => s.chain !== undefined) ? 0 : CHAIN_TRIES; left > 0; left--) {
    const { parts, generation16 } = yield* chainParts(connection, scopes);
    const reply = yield* dumpParts(connection, parts ?? whole, true);
    // Of what no message tells: no commit has come between where the generation after it is that of the chains.
    if (reply.generation16 < 0) return { ...reply, generation16 };
    if (parts === undefined || reply.generation16 === generation16) return reply;
  }
  return yield* dumpParts(connection, whole, true);
}

/** By tableKey. */
function* tableHandles(connection: Connection): Verb<ReadonlyMap<string, bigint>> {
  const tables = decodeAll(yield* dump(connection, 'dump of tables', NFT_MSG_GETTABLE, NFPROTO_UNSPEC), tableTable);
  return new Map(
    tables.flatMap(({ family, attributes: { name = '', handle } }) =>
      handle === undefined ? [] : [[tableKey({ family, table: name }), handle]],
    ),
  );
}

type Taken = Pick<Reading, 'takenAt' | 'mark'>;

function taken(connection: Connection): Taken {
  return { takenAt: performance.timeOrigin + performance.now(), mark: ledgerOf(connection).mark };
}

function counters(structure: NftStructure, reply: NativeCounterReply, when: Taken, generation: number | undefined): RuleCounters {
  return new RuleCounters(structure, {
    packets: reply.packets,
    bytes: reply.bytes,
    ...when,
    ...(generation === undefined ? {} : { generation }),
  });
}

function structuresOf(connection: Connection): Recent<string, NftStructure> {
  let found = known.get(connection);
  if (found === undefined) known.set(connection, (found = new Recent()));
  return found;
}

/** ENOENT where the table is gone: a dump of the rules of nothing is empty and no error. */
export function* tableMustExist(connection: Connection, { family, table = '' }: RuleScope): Verb<void> {
  const w = new AttributeWriter(64);
  tableTable.encode(w, { name: table });
  yield* request(connection, `counters of table ${familyName(family)} ${table}`, nftType(NFT_MSG_GETTABLE), family, w.written());
}
