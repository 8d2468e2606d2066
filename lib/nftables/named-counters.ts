// Counters that are no rule's: of base chains, named counters, quotas, elements of a set.
import type { Connection } from '../connection.ts';
import { type CountedChain, type CountedObject, countersOf, type NamedCounters, type NamedRow, namedCounters } from '../counters/named.ts';
import type { Verb } from '../run.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { type CountedElement, ElementRows } from './element-rows.ts';
import { chainTable } from './objects/chain.ts';
import { familyNumber, NFPROTO_UNSPEC, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ } from './objects/messages.ts';
import { objectTable } from './objects/object.ts';
import { type Decoded, decodeAll, type TableName } from './picture.ts';
import { dump, readGeneration } from './read.ts';
import { countedElements, readSet } from './sets/look.ts';
import type { SetName } from './sets/scope.ts';
import { setInfoOf } from './sets/set-info.ts';

/** The generation, where it is still the one from before: rows of two have none. */
function* unchanged(connection: Connection, before: number): Verb<number | undefined> {
  return (yield* readGeneration(connection)).generation === before ? before : undefined;
}

function inScope<A extends { readonly table?: string }>(all: readonly Decoded<A>[], table: TableName | undefined): Decoded<A>[] {
  return all.filter((d) => table === undefined || (d.family === table.family && d.attributes.table === table.name));
}
function familyOf(table: TableName | undefined): number {
  return table === undefined ? NFPROTO_UNSPEC : familyNumber(table.family);
}

export function* readChainCounters(connection: Connection, table: TableName | undefined): Verb<NamedCounters<CountedChain>> {
  const before = (yield* readGeneration(connection)).generation;
  const all = decodeAll(yield* dump(connection, 'dump of chains', NFT_MSG_GETCHAIN, familyOf(table)), chainTable);
  const rows = inScope(all, table).flatMap(({ family, attributes: a }): NamedRow<CountedChain>[] => {
    if (a.hook === undefined || a.counters === undefined) return [];
    const policy = a.policy === 'accept' || a.policy === 'drop' ? { policy: a.policy } : {};
    const of = { family, table: a.table ?? '', name: a.name ?? '', ...policy } as const;
    return [{ of, packets: a.counters.packets ?? 0n, bytes: a.counters.bytes ?? 0n }];
  });
  return namedCounters(rows, yield* unchanged(connection, before));
}

function* objectsOf(connection: Connection, kind: 'counter' | 'quota', table: TableName | undefined) {
  const w = new AttributeWriter(32);
  objectTable.encode(w, { kind, ...(table === undefined ? {} : { table: table.name }) });
  const all = decodeAll(yield* dump(connection, `dump of ${kind}s`, NFT_MSG_GETOBJ, familyOf(table), w.written()), objectTable);
  return inScope(all, table).filter((d) => d.attributes.kind === kind);
}

function identity({
  family,
  attributes: a,
}: Decoded<{ readonly table?: string; readonly name?: string; readonly handle?: bigint }>): CountedObject {
  return { family, table: a.table ?? '', name: a.name ?? '', ...(a.handle === undefined ? {} : { handle: a.handle }) };
}

export function* readNamedCounters(connection: Connection, table: TableName | undefined): Verb<NamedCounters<CountedObject>> {
  const before = (yield* readGeneration(connection)).generation;
  const rows = (yield* objectsOf(connection, 'counter', table)).map((d): NamedRow<CountedObject> => {
    const { packets = 0n, bytes = 0n } = (d.attributes.data ?? {}) as { packets?: bigint; bytes?: bigint };
    return { of: identity(d), packets, bytes };
  });
  return namedCounters(rows, yield* unchanged(connection, before));
}

/** A quota, its bound and its sense. */
export interface CountedQuota extends CountedObject {
  /** The bound in bytes. */
  readonly limit: bigint;
  /** It matches over the bound (`over`), not until it. */
  readonly inv: boolean;
}
export interface QuotaSnapshot extends Omit<NamedCounters<CountedQuota>, 'packets' | 'bytes'> {
  /** By row: bytes used so far. */
  readonly used: BigUint64Array;
}

export function* readQuotas(connection: Connection, table: TableName | undefined): Verb<QuotaSnapshot> {
  const before = (yield* readGeneration(connection)).generation;
  const rows = (yield* objectsOf(connection, 'quota', table)).map((d): NamedRow<CountedQuota> => {
    const {
      bytes = 0n,
      used = 0n,
      flags = [],
    } = (d.attributes.data ?? {}) as { bytes?: bigint; used?: bigint; flags?: readonly unknown[] };
    return { of: { ...identity(d), limit: bytes, inv: flags.includes('inv') }, packets: 0n, bytes: used };
  });
  const { packets: _, bytes: used, ...rest } = namedCounters(rows, yield* unchanged(connection, before));
  return { ...rest, used };
}

/** ENOENT where there is no such set. Elements without a counter are left out. */
export function* readElementCounters(connection: Connection, set: SetName): Verb<NamedCounters<CountedElement>> {
  const before = (yield* readGeneration(connection)).generation;
  const info = setInfoOf(yield* readSet(connection, set));
  const rows = new ElementRows(info, yield* countedElements(connection, set));
  return countersOf(rows, yield* unchanged(connection, before));
}
