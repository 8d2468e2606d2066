// The sets that a transaction knows while it is built: those it adds itself. What it doesn't know is looked up before sending.
import type { AttributeWriter } from '../../wire/writer.ts';
import type { Written } from '../input/kind.ts';
import type { SetInfo } from './set-info.ts';

/** A set by family, table and name. */
export interface SetName {
  readonly family: number;
  readonly table: string;
  readonly name: string;
}

export const setKey = (s: SetName): string => `${s.family} ${s.table}\0${s.name}`;

/** Something that cannot be written before this set was looked at. */
export interface SetNeed extends SetName {
  /** What the transaction itself says of it; where that says its `entries` too nothing is looked at. */
  readonly known?: SetInfo;
  /** An earlier operation has emptied it. */
  readonly emptied: boolean;
  write(info: SetInfo, c: LateContext): void;
}

/** As WriteContext, when the set is known. */
export interface LateContext {
  readonly w: AttributeWriter;
  emit(header: Written): void;
}

export class SetScope {
  readonly #sets = new Map<string, SetInfo>();
  /** Sets and tables that lost their elements here. */
  readonly #emptied = new Set<string>();

  find(set: SetName): SetInfo | undefined {
    return this.#sets.get(setKey(set));
  }
  add(set: SetName, info: SetInfo): void {
    this.#sets.set(setKey(set), info);
  }
  /** The set is gone. */
  forget(set: SetName): void {
    this.#sets.delete(setKey(set));
    this.#emptied.add(setKey(set));
  }
  flush(set: SetName): void {
    const info = this.find(set);
    if (info?.autoMerge) this.add(set, { ...info, entries: [] });
    this.#emptied.add(setKey(set));
  }
  emptied(set: SetName): boolean {
    return this.#emptied.has(setKey(set));
  }
}
