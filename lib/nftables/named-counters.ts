// Counters that are no rule's: of base chains, named counters, quotas, elements of a set.
import { isDeepStrictEqual } from 'node:util';
import type { Connection } from '../connection.ts';
import { type CountedChain, type CountedObject, type NamedCounters, type NamedRow, namedCounters } from '../counters/named.ts';
import type { ElementInput } from '../model/ruleset.ts';
import type { Verb } from '../run.ts';
import { AttributeWriter } from '../wire/writer.ts';
import type { AnyExpression } from './expressions/expression.ts';
import { chainTable } from './objects/chain.ts';
import { familyNumber, NFPROTO_UNSPEC, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ } from './objects/messages.ts';
import { objectTable } from './objects/object.ts';
import { statefulKinds } from './objects/stateful/index.ts';
import { type Decoded, decodeAll, type TableName } from './picture.ts';
import { dump, readGeneration } from './read.ts';
import type { DumpedElement } from './sets/decoded.ts';
import { type WantedElement, wantedElement } from './sets/element-input.ts';
import type { EntryRest } from './sets/entries.ts';
import { compareBytes } from './sets/intervals.ts';
import { readElements, readSet } from './sets/look.ts';
import { elementModel, wholeElements } from './sets/model.ts';
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
  return inScope(all, table).filter((d) => d.attributes.kind === kind || d.attributes.kind === statefulKinds[kind]?.number);
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

/** An element of a set or map whose elements count. */
export interface CountedElement {
  /**
   * As a snapshot shows it: with its timeout, comment and statements. `indexOf` takes any form of `elem` and looks at the key, of a map also
   * at the value where one is given: '10.0.0.0/24' finds { elem: { val: { prefix … }, counter … } }, and not a larger range.
   */
  readonly element: ElementInput;
}

/** ENOENT where there is no such set. Elements without a counter are left out. */
export function* readElementCounters(connection: Connection, set: SetName): Verb<NamedCounters<CountedElement>> {
  const before = (yield* readGeneration(connection)).generation;
  const info = setInfoOf(yield* readSet(connection, set));
  const counted = wholeElements(info, yield* readElements(connection, set)).flatMap((e) => {
    const counter = counterOf(e.rest);
    return counter === undefined ? [] : [{ e, counter }];
  });
  const rows = counted.map(({ e, counter }): NamedRow<CountedElement> => {
    // Shown when it is looked at: a large set is read for a few of its elements.
    const of = {
      get element(): ElementInput {
        return elementModel(info, e);
      },
    };
    return { of, packets: (counter['packets'] ?? 0n) as bigint, bytes: (counter['bytes'] ?? 0n) as bigint };
  });
  const indexOf = (where: Partial<CountedElement>): number => {
    const [name, ...more] = Object.keys(where);
    if (name === undefined) return Math.min(0, rows.length - 1);
    const wanted = name === 'element' && more.length === 0 ? wantedElement(info, where.element) : undefined;
    return wanted === undefined ? -1 : counted.findIndex(({ e }) => isWanted(e, wanted));
  };
  return namedCounters(rows, yield* unchanged(connection, before), indexOf);
}

function isWanted({ low, high, rest }: DumpedElement, { range, data }: WantedElement): boolean {
  if (low === undefined || high === undefined) {
    if (range !== undefined) return false;
  } else if (range === undefined || compareBytes(low, range.low) !== 0 || compareBytes(high, range.high) !== 0) return false;
  return data === undefined || (isDeepStrictEqual(rest.data, data.data) && rest.objref === data.objref);
}

function counterOf(e: EntryRest): AnyExpression | undefined {
  const all = [...(e.expr === undefined ? [] : [e.expr]), ...(e.expressions ?? [])] as readonly AnyExpression[];
  return all.find((one) => one.type === 'counter');
}
