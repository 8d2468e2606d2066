// The sets that a transaction knows while it is built: those it adds itself. What it doesn't know is looked up before sending.
import type { AttributeWriter } from '../../wire/writer.ts';
import type { Named } from '../batch.ts';
import type { Written } from '../input/kind.ts';
import type { SetInfo } from './set-info.ts';

/** A set by family, table and name. */
export interface SetName {
  readonly family: number;
  readonly table: string;
  readonly name: string;
}

const familyKey = (family: number): string => `${family} `;
const tableKey = (family: number, table: string): string => `${family} ${table}\0`;
export const setKey = (s: SetName): string => `${tableKey(s.family, s.table)}${s.name}`;

/** What earlier operations of the transaction did to a set's elements. */
export interface SetHistory {
  /** The number of the operation that emptied it last, counted among those that empty something; 0: it holds what the kernel has. */
  readonly emptied: number;
  /** Tables and sets deleted by handle: only the kernel knows whether it was among them. */
  readonly handles?: readonly DeletedHandle[];
}

export interface DeletedHandle {
  readonly kind: 'table' | 'set';
  readonly handle: bigint;
  /** As SetHistory's `emptied`. */
  readonly at: number;
}

/** Something that cannot be written before this set was looked at. */
export interface SetNeed extends SetName, SetHistory {
  /** What the transaction itself says of it; where that says its `entries` too nothing is looked at. */
  readonly known?: SetInfo;
  write(info: SetInfo, c: LateContext): void;
}

/** As WriteContext, when the set is known. */
export interface LateContext {
  readonly w: AttributeWriter;
  readonly named: Named;
  /** `owner`: the operation it is part of, where that is another. */
  emit(header: Written, owner?: Named): void;
}

export class SetScope {
  readonly #sets = new Map<string, SetInfo>();
  #emptyings = 0;
  /** When sets, tables, families and all there is lost their elements here. */
  readonly #emptied = new Map<string, number>();
  /** By family, and for sets by table. */
  readonly #handles = new Map<string, DeletedHandle[]>();

  find(set: SetName): SetInfo | undefined {
    return this.#sets.get(setKey(set));
  }
  add(set: SetName, info: SetInfo): void {
    this.#sets.set(setKey(set), info);
  }
  /** The set is gone. */
  forget(set: SetName): void {
    this.#sets.delete(setKey(set));
    this.#emptied.set(setKey(set), ++this.#emptyings);
  }
  flush(set: SetName): void {
    const info = this.find(set);
    if (info?.autoMerge) this.add(set, { ...info, entries: [] });
    this.#emptied.set(setKey(set), ++this.#emptyings);
  }
  /** The table is gone; without a name all tables of the family are, and without a family (0) all there are. */
  forgetTables(family: number, table?: string): void {
    const gone = table === undefined ? familyKey(family) : tableKey(family, table);
    for (const key of this.#sets.keys()) if (family === 0 || key.startsWith(gone)) this.#sets.delete(key);
    this.#emptied.set(gone, ++this.#emptyings);
  }
  /** The table of this handle is gone, or with `table` the set of this handle in it. */
  forgetHandle(handle: bigint, family: number, table?: string): void {
    const place = table === undefined ? familyKey(family) : tableKey(family, table);
    const list = this.#handles.get(place) ?? [];
    this.#handles.set(place, [...list, { kind: table === undefined ? 'table' : 'set', handle, at: ++this.#emptyings }]);
  }
  history(set: SetName): SetHistory {
    const { family, table } = set;
    const places = [familyKey(0), familyKey(family), tableKey(family, table), setKey(set)];
    const emptied = places.reduce((last, place) => Math.max(last, this.#emptied.get(place) ?? 0), 0);
    const handles = places.flatMap((place) => this.#handles.get(place) ?? []).filter(({ at }) => at > emptied);
    return { emptied, ...(handles.length === 0 ? {} : { handles }) };
  }
}
