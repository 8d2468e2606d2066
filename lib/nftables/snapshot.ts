// One generation of nf_tables' state: dumps of every object kind between two equal generations, decoded when looked at.
import type { Connection } from '../connection.ts';
import { EINTR } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import { jsonSafe } from '../model/json.ts';
import type { Chain, Counter, Family, NamedObject, Place, Ruleset, SetObject, Table } from '../model/ruleset.ts';
import type { NativeDumpReply } from '../native.ts';
import type { Verb } from '../run.ts';
import { readMessage } from '../wire/attributes.ts';
import { DecodeError } from '../wire/errors.ts';
import type { AttributeTable } from '../wire/table.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { DumpedRule, type NftRule, RuleDump } from './installed-rule.ts';
import { type ChainAttributes, chainTable } from './objects/chain.ts';
import { hookName } from './objects/hooks.ts';
import * as m from './objects/messages.ts';
import { datatypeNames, type ObjectAttributes, objectTable, type SetAttributes, setTable } from './objects/set.ts';
import { type TableAttributes, tableTable } from './objects/table.ts';
import { commentOf } from './objects/userdata.ts';
import { dump, dumpRules, type RuleScope, readGeneration } from './read.ts';

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
  readonly objects: readonly Decoded<ObjectAttributes>[];
}

/** Runs `read` until the generation before and after is the same. */
export function* consistently<T>(
  connection: Connection,
  what: string,
  read: () => Verb<T>,
): Verb<{ readonly generation: number; readonly value: T }> {
  let last = '';
  for (let tries = 0; tries < CONSISTENT_TRIES; tries++) {
    const before = yield* readGeneration(connection);
    const value = yield* read();
    const after = yield* readGeneration(connection);
    if (before.generation === after.generation) return { generation: after.generation, value };
    last = after.process;
  }
  throw new NetfilterError(
    `${what}: the ruleset changed during each of ${CONSISTENT_TRIES} attempts (last by ${last === '' ? 'an unknown process' : last}); no consistent picture could be read`,
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

export function* readPicture(connection: Connection, table?: TableName): Verb<Picture> {
  const family = table === undefined ? m.NFPROTO_UNSPEC : m.familyNumber(table.family);
  const rules: RuleScope = table === undefined ? { family } : { family, table: table.name };
  const { generation, value } = yield* consistently(connection, 'snapshot', function* () {
    return {
      tables: yield* dump(connection, 'dump of tables', m.NFT_MSG_GETTABLE, family),
      chains: yield* dump(connection, 'dump of chains', m.NFT_MSG_GETCHAIN, family),
      rules: yield* dumpRules(connection, rules),
      sets: yield* dumpOfTable(connection, 'dump of sets', m.NFT_MSG_GETSET, family, named(setTable, table)),
      objects: yield* dumpOfTable(connection, 'dump of objects', m.NFT_MSG_GETOBJ, family, named(objectTable, table)),
    };
  });
  const mine = <T extends { readonly table?: string }>(d: Decoded<T>): boolean => table === undefined || d.attributes.table === table.name;
  return {
    generation,
    tables: decodeAll(value.tables, tableTable).filter((d) => table === undefined || d.attributes.name === table.name),
    chains: decodeAll(value.chains, chainTable).filter(mine),
    rules: new RuleDump(value.rules),
    sets: decodeAll(value.sets, setTable).filter(mine),
    objects: decodeAll(value.objects, objectTable).filter(mine),
  };
}

/** A dump that names a table fails where that isn't there (nf_tables_getset); rules and chains just give none. */
function* dumpOfTable(
  connection: Connection,
  what: string,
  message: number,
  family: number,
  attributes: Uint8Array,
): Verb<NativeDumpReply> {
  try {
    return yield* dump(connection, what, message, family, attributes);
  } catch (err) {
    if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
    return { data: new ArrayBuffer(0), index: new Uint32Array(0), generation16: -1, retries: 0 };
  }
}

function named(kind: AttributeTable<{ readonly table?: string }>, table: TableName | undefined): Uint8Array {
  const w = new AttributeWriter(64);
  if (table !== undefined) kind.encode(w, { table: table.name });
  return w.written();
}

export function* snapshot(connection: Connection, table?: TableName): Verb<NftRuleset> {
  return new NftRuleset(yield* readPicture(connection, table));
}

export class NftRuleset implements Ruleset<NftRule> {
  readonly backend = 'nft';
  readonly generation: number;
  readonly tables: readonly Table<NftRule>[];
  readonly #rules: RuleDump;

  /** @internal */
  constructor(picture: Picture) {
    this.generation = picture.generation;
    this.#rules = picture.rules;
    this.tables = picture.tables.map((d) => new NftTable(d, picture));
  }

  table(family: Family, name: string): Table<NftRule> | undefined {
    return this.tables.find((t) => t.family === family && t.name === name);
  }

  *rules(where: Partial<Place> & { readonly comment?: string | RegExp } = {}): IterableIterator<NftRule> {
    for (const rows of this.#rules.chains) {
      if (!placed(rows, where)) continue;
      for (let row = rows.start; row < rows.end; row++) {
        const rule = new DumpedRule(this.#rules, row);
        if (where.comment === undefined || commentMatches(rule.comment, where.comment)) yield rule;
      }
    }
  }

  toJSON(): unknown {
    const { backend, generation, tables } = this;
    return jsonSafe({ backend, generation, tables });
  }
}

export function placed(at: Place, where: Partial<Place>): boolean {
  return (
    (where.family === undefined || where.family === at.family) &&
    (where.table === undefined || where.table === at.table) &&
    (where.chain === undefined || where.chain === at.chain)
  );
}

export function commentMatches(comment: string | undefined, wanted: string | RegExp): boolean {
  if (comment === undefined) return false;
  return typeof wanted === 'string' ? comment === wanted : comment.search(wanted) >= 0;
}

class NftTable implements Table<NftRule> {
  readonly family: Family;
  readonly name: string;
  readonly handle: bigint;
  readonly flags?: readonly string[];
  readonly comment?: string;
  readonly chains: readonly Chain<NftRule>[];
  readonly sets: readonly SetObject[];
  readonly objects: readonly NamedObject[];
  readonly flowtables: readonly unknown[] = [];

  constructor(d: Decoded<TableAttributes>, picture: Picture) {
    const a = d.attributes;
    this.family = d.family;
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    if (a.flags !== undefined && a.flags.length > 0) this.flags = a.flags.map(String);
    const comment = commentOf(a.userdata);
    if (comment !== undefined) this.comment = comment;
    const mine = <T extends { readonly table?: string }>(x: Decoded<T>): boolean => x.family === d.family && x.attributes.table === a.name;
    const rows = new Map(picture.rules.chains.filter((c) => c.family === d.family && c.table === a.name).map((c) => [c.chain, c]));
    this.chains = picture.chains.filter(mine).map((c) => new NftChain(c, picture.rules, rows.get(c.attributes.name ?? '')));
    this.sets = picture.sets.filter(mine).map(setModel);
    this.objects = picture.objects.filter(mine).map(objectModel);
  }

  chain(name: string): Chain<NftRule> | undefined {
    return this.chains.find((c) => c.name === name);
  }
}

class NftChain implements Chain<NftRule> {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle: bigint;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: 'accept' | 'drop';
  readonly dev?: readonly string[];
  readonly counter?: Counter;
  readonly references: number;
  readonly comment?: string;
  readonly #dump: RuleDump;
  readonly #rows: { readonly start: number; readonly end: number };
  #rules: readonly NftRule[] | undefined;

  constructor(d: Decoded<ChainAttributes>, rules: RuleDump, rows: { readonly start: number; readonly end: number } = { start: 0, end: 0 }) {
    const a = d.attributes;
    this.family = d.family;
    this.table = a.table ?? '';
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    this.#dump = rules;
    this.#rows = rows;
    // The kernel's use count holds the chain's own rules too.
    this.references = Math.max(0, (a.use ?? 0) - (rows.end - rows.start));
    if (a.type !== undefined) this.type = a.type;
    if (a.hook?.hooknum !== undefined) this.hook = hookName(d.family, a.hook.hooknum);
    if (a.hook?.priority !== undefined) this.prio = a.hook.priority;
    if (a.policy === 'accept' || a.policy === 'drop') this.policy = a.policy;
    const dev = a.hook?.devs ?? (a.hook?.dev === undefined ? undefined : [a.hook.dev]);
    if (dev !== undefined) this.dev = dev;
    if (a.counters !== undefined) this.counter = { packets: a.counters.packets ?? 0n, bytes: a.counters.bytes ?? 0n };
    const comment = commentOf(a.userdata);
    if (comment !== undefined) this.comment = comment;
  }

  get rules(): readonly NftRule[] {
    const { start, end } = this.#rows;
    this.#rules ??= Array.from({ length: end - start }, (_, i) => new DumpedRule(this.#dump, start + i));
    return this.#rules;
  }

  toJSON(): unknown {
    const { family, table, name, handle, type, hook, prio, policy, dev, counter, references, comment, rules } = this;
    return { family, table, name, handle, type, hook, prio, policy, dev, counter, references, comment, rules };
  }
}

function setModel(d: Decoded<SetAttributes>): SetObject {
  const a = d.attributes;
  return {
    family: d.family,
    table: a.table ?? '',
    name: a.name ?? '',
    type: datatypeNames(a.keyType ?? 0),
    ...(a.flags?.includes('map') ? { map: [datatypeNames(a.dataType ?? 0)].flat().join(' . ') } : {}),
    ...(a.flags === undefined || a.flags.length === 0 ? {} : { flags: a.flags.map(String) }),
    // Milliseconds in the kernel, seconds in libnftables-json.
    ...(a.timeout === undefined ? {} : { timeout: Number(a.timeout) / 1000 }),
  };
}

function objectModel(d: Decoded<ObjectAttributes>): NamedObject {
  const a = d.attributes;
  return {
    kind: String(a.kind ?? 'unknown'),
    family: d.family,
    table: a.table ?? '',
    name: a.name ?? '',
    ...(a.handle === undefined ? {} : { handle: a.handle }),
  };
}
