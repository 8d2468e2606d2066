// One generation of nf_tables' state as it was dumped: every object kind between two equal generations.
import type { Connection } from '../connection.ts';
import { EINTR } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { Family } from '../model/ruleset.ts';
import type { NativeDumpReply } from '../native.ts';
import type { Verb } from '../run.ts';
import { align4, attributeLength, findAttribute, readMessage } from '../wire/attributes.ts';
import { DecodeError } from '../wire/errors.ts';
import { list } from '../wire/kinds.ts';
import { type AttributeTable, nested } from '../wire/table.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { RuleDump } from './installed-rule.ts';
import { type ChainAttributes, chainTable } from './objects/chain.ts';
import { type ElementAttributes, elementListTable, elementTable } from './objects/element.ts';
import { type FlowtableAttributes, flowtableTable } from './objects/flowtable.ts';
import * as m from './objects/messages.ts';
import { type ObjectAttributes, objectTable } from './objects/object.ts';
import { type SetAttributes, setTable } from './objects/set.ts';
import { type TableAttributes, tableTable } from './objects/table.ts';
import { dump, dumpElements, dumpScopes, perChainPays, type RuleScope, readGeneration } from './read.ts';

const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const elementsKind = list(nested(elementTable));

/** How often a picture is begun again when somebody commits while it is taken. */
const CONSISTENT_TRIES = 20;

export interface TableName {
  readonly family: Family;
  readonly name: string;
}

/** The attributes of every message of a dump, with the message's family. */
export interface Decoded<T> {
  readonly family: Family;
  readonly attributes: T;
}

/** What was dumped in one generation. */
export interface Picture {
  readonly generation: number;
  readonly tables: readonly Decoded<TableAttributes>[];
  readonly chains: readonly Decoded<ChainAttributes>[];
  readonly rules: RuleDump;
  readonly sets: readonly Decoded<SetAttributes>[];
  /** By set, in the order of `sets`; undefined where elements were not asked for. */
  readonly elements: readonly NativeDumpReply[] | undefined;
  readonly objects: readonly Decoded<ObjectAttributes>[];
  readonly flowtables: readonly Decoded<FlowtableAttributes>[];
}

/** Whether what is read has not changed since a generation, whatever else has. */
export type UnchangedSince = (generation: number) => Verb<boolean>;

/** Runs `read` until the generation before and after is the same, or what has changed is something else. */
export function* consistently<T>(
  connection: Connection,
  what: string,
  read: () => Verb<T>,
  unchangedSince?: UnchangedSince,
): Verb<{ readonly generation: number; readonly value: T }> {
  for (let tries = 0; tries < CONSISTENT_TRIES; tries++) {
    const before = yield* readGeneration(connection);
    const value = yield* read();
    const after = yield* readGeneration(connection);
    const same = before.generation === after.generation || (unchangedSince !== undefined && (yield* unchangedSince(before.generation)));
    if (same) return { generation: after.generation, value };
  }
  throw new NetfilterError(
    `${what}: the ruleset changed during each of ${CONSISTENT_TRIES} attempts; no consistent picture could be read`,
    { code: 'EINTR', errno: EINTR },
  );
}

export function decodeAll<T extends object>(reply: NativeDumpReply, table: AttributeTable<T>): Decoded<T>[] {
  const bytes = new Uint8Array(reply.data);
  return Array.from(reply.index, (at) => {
    const message = readMessage(bytes, at);
    const attributes = table.decode(bytes, message.start, message.end);
    if (attributes === undefined) throw new DecodeError('a message with an attribute twice', at);
    return { family: m.familyName(message.family), attributes };
  });
}

export interface PictureOptions {
  readonly table?: TableName;
  /** Whether sets are read with their elements; default true. */
  readonly elements?: boolean;
  /** Of the table: commits elsewhere do not begin the picture again. */
  readonly unchangedSince?: UnchangedSince;
}

export function* readPicture(connection: Connection, o: PictureOptions = {}): Verb<Picture> {
  const { table, unchangedSince } = o;
  const across = unchangedSince !== undefined;
  const family = table === undefined ? m.NFPROTO_UNSPEC : m.familyNumber(table.family);
  const rules: RuleScope = table === undefined ? { family } : { family, table: table.name };
  const mine = <T extends { readonly table?: string }>(d: Decoded<T>): boolean => table === undefined || d.attributes.table === table.name;
  const { generation, value } = yield* consistently(
    connection,
    'snapshot',
    function* () {
      const tables = yield* dump(connection, 'dump of tables', m.NFT_MSG_GETTABLE, family);
      const chains = yield* dump(connection, 'dump of chains', m.NFT_MSG_GETCHAIN, family);
      const dumpedRules = yield* dumpScopes(connection, ruleScopes(rules, decodeAll(chains, chainTable).filter(mine)), across);
      const dumpedSets = yield* dumpOfTable(connection, 'dump of sets', m.NFT_MSG_GETSET, family, named(setTable, table));
      const sets = decodeAll(dumpedSets, setTable).filter(mine);
      const elements: NativeDumpReply[] = [];
      if (o.elements !== false) for (const set of sets) elements.push(yield* elementsDumped(connection, set, across));
      const objects = yield* dumpOfTable(connection, 'dump of objects', m.NFT_MSG_GETOBJ, family, named(objectTable, table));
      const flowtables = yield* dumpOfTable(connection, 'dump of flowtables', m.NFT_MSG_GETFLOWTABLE, family, named(flowtableTable, table));
      return { tables, chains, dumpedRules, sets, elements, objects, flowtables };
    },
    unchangedSince,
  );
  return {
    generation,
    tables: decodeAll(value.tables, tableTable).filter((d) => table === undefined || d.attributes.name === table.name),
    chains: decodeAll(value.chains, chainTable).filter(mine),
    rules: new RuleDump(value.dumpedRules),
    sets: value.sets,
    elements: o.elements === false ? undefined : value.elements,
    objects: decodeAll(value.objects, objectTable).filter(mine),
    flowtables: decodeAll(value.flowtables, flowtableTable).filter(mine),
  };
}

/** The whole scope, or each of its chains where that is cheaper. A chain's use counts its rules and the jumps to it. */
function ruleScopes(whole: RuleScope, chains: readonly Decoded<ChainAttributes>[]): RuleScope[] {
  const used = chains.reduce((sum, c) => sum + (c.attributes.use ?? 0), 0);
  if (!perChainPays(used / 2, chains.length)) return [whole];
  return chains.map((c) => ({ family: m.familyNumber(c.family), table: c.attributes.table ?? '', chain: c.attributes.name ?? '' }));
}

/** The elements of a dumped set, decoded as they are asked for. */
export function* elementsOf(reply: NativeDumpReply): Generator<ElementAttributes> {
  const bytes = new Uint8Array(reply.data);
  for (const at of reply.index) {
    const message = readMessage(bytes, at);
    const found = findAttribute(bytes, message.start, message.end, NFTA_SET_ELEM_LIST_ELEMENTS);
    const list = found === undefined ? [] : elementsKind.get(bytes, found[0], found[1]);
    if (list === undefined) throw new DecodeError('set elements that are no list', at);
    yield* list;
  }
}

export function countElements(reply: NativeDumpReply): number {
  const bytes = new Uint8Array(reply.data);
  let count = 0;
  for (const at of reply.index) {
    const message = readMessage(bytes, at);
    const [start, end] = findAttribute(bytes, message.start, message.end, NFTA_SET_ELEM_LIST_ELEMENTS) ?? [0, 0];
    for (let element = start; element < end; element += align4(attributeLength(bytes, element, end))) count++;
  }
  return count;
}

function elementsDumped(connection: Connection, set: Decoded<SetAttributes>, across: boolean): Verb<NativeDumpReply> {
  const { table, name } = set.attributes;
  const w = new AttributeWriter(64);
  elementListTable.encode(w, { ...(table === undefined ? {} : { table }), ...(name === undefined ? {} : { set: name }) });
  return orNothing(dumpElements(connection, `dump of set ${name ?? ''}`, m.familyNumber(set.family), w.written(), true, across));
}

/**
 * A dump that names a table or set fails where that isn't there (nf_tables_getset); rules and chains just give none. What
 * vanished while the picture was taken has moved the generation, and the picture is taken again.
 */
function* orNothing(dumped: Verb<NativeDumpReply>): Verb<NativeDumpReply> {
  try {
    return yield* dumped;
  } catch (err) {
    if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
    return { data: new ArrayBuffer(0), index: new Uint32Array(0), generation16: -1, retries: 0 };
  }
}

function dumpOfTable(connection: Connection, what: string, message: number, family: number, attributes: Uint8Array): Verb<NativeDumpReply> {
  return orNothing(dump(connection, what, message, family, attributes));
}

function named(kind: AttributeTable<{ readonly table?: string }>, table: TableName | undefined): Uint8Array {
  const w = new AttributeWriter(64);
  if (table !== undefined) kind.encode(w, { table: table.name });
  return w.written();
}
