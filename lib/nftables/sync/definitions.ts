// In what two definitions differ: attribute by attribute, as they would be written.
import type { AttributeTable } from '../../wire/table.ts';
import { type ChainAttributes, chainTable } from '../objects/chain.ts';
import { type FlowtableAttributes, flowtableTable } from '../objects/flowtable.ts';
import { type ObjectAttributes, objectTable } from '../objects/object.ts';
import { type SetAttributes, setTable } from '../objects/set.ts';
import { type TableAttributes, tableTable } from '../objects/table.ts';
import { chainAsTaken, objectAsTaken, setAsTaken, tableAsTaken } from '../taken.ts';
import { encoded } from './content.ts';
import { sameTime } from './elements.ts';

/** The kernel does not dump a default, or dumps it as 0. */
function isDefault(value: unknown): boolean {
  return (
    value === undefined ||
    value === 0 ||
    value === 0n ||
    value === 'performance' ||
    ((Array.isArray(value) || value instanceof Uint8Array) && value.length === 0)
  );
}

/** `with`: what an attribute can't be written without. */
function differences<T extends object>(table: AttributeTable<T>, before: T, after: T, beside: readonly (keyof T)[] = []): (keyof T)[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof T>;
  const text = (all: T, name: keyof T): string => {
    if (isDefault(all[name])) return '';
    return encoded(table, Object.fromEntries([...beside, name].map((key) => [key, all[key]])) as T);
  };
  return [...names].filter((name) => text(before, name) !== text(after, name));
}

type Named = 'table' | 'name';

/** `flags`: whether it sleeps, which can be changed; else it is to be made anew. */
export function tableDifferences(before: TableAttributes, after: TableAttributes): string[] {
  return differences(tableTable, tableAsTaken(before), tableAsTaken(after));
}

/** A change of `policy` and `counters` is made in place. */
export function chainDifferences(before: ChainAttributes, after: ChainAttributes): string[] {
  const own = (a: ChainAttributes): Omit<ChainAttributes, Named> => {
    const { table: _1, name: _2, id: _3, counters, ...rest } = chainAsTaken(a, false);
    // That it counts can't be taken back, and lists show it nowhere.
    const counts = counters !== undefined && after.counters !== undefined;
    return { ...rest, ...(counts ? { counters } : {}) };
  };
  return differences(chainTable, own(before), own(after));
}

export function setDifferences(before: SetAttributes, after: SetAttributes): string[] {
  const own = (a: SetAttributes): SetAttributes => {
    const { table: _1, name: _2, timeout: _3, ...rest } = setAsTaken(a);
    return rest;
  };
  const others: string[] = differences(setTable, own(before), own(after));
  return sameTime(before.timeout ?? 0n, after.timeout ?? 0n) ? others : [...others, 'timeout'];
}

/** What counts is state. */
export function objectDifferences(before: ObjectAttributes, after: ObjectAttributes): string[] {
  const own = (a: ObjectAttributes): ObjectAttributes => {
    const { table: _1, name: _2, ...rest } = objectAsTaken(a, false);
    return rest;
  };
  return differences(objectTable, own(before), own(after), ['kind']);
}

export function flowtableDifferences(before: FlowtableAttributes, after: FlowtableAttributes): string[] {
  const own = (a: FlowtableAttributes): FlowtableAttributes => {
    const { table: _1, name: _2, handle: _3, use: _4, ...rest } = a;
    return rest;
  };
  return differences(flowtableTable, own(before), own(after));
}
