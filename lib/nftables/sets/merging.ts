// Sets with auto-merge: what the set holds is taken together with what operations add and delete, and only what changes is
// written. The kernel cannot delete what the same batch has deleted and added (nft_rbtree_deactivate), so the operations of a
// transaction on one set are written as one, by the last of them; each element keeps whose it is, for errors.
import { EEXIST, ENOENT, errnoName } from '../../errno.ts';
import { EncodeError } from '../../wire/errors.ts';
import type { Named } from '../batch.ts';
import type { Entry } from './entries.ts';
import { covered, firstNotBelow, merged, overlapping, sorted, successor, without } from './intervals.ts';
import type { SetInfo } from './set-info.ts';

/** An element that the set holds already, or doesn't hold. */
export class ElementError extends EncodeError {
  readonly code: string;
  readonly errno: number;

  constructor(path: string, reason: string, errno: number) {
    super(path, `${reason} (${errnoName(errno)})`);
    this.code = errnoName(errno);
    this.errno = errno;
  }
}

/** An error of an element whose operation is written together with a later one. */
export class OwnedError extends Error {
  readonly owner: Named;

  constructor(owner: Named, cause: unknown) {
    super('', { cause });
    this.owner = owner;
  }
}

/** How a set stands after the operations so far. */
export class Merging {
  /** More operations are to come, and the last of them writes. */
  last = true;
  /** The set is made by one of the operations. */
  fresh = false;
  /** The first of the operations: what the kernel has against all of them is said of it. */
  first: Named | undefined;
  readonly #before: readonly Entry[];
  #entries: Entry[];
  /** Added, but not yet put among the others. */
  #added: Entry[] = [];
  /** Entries that were given, by their key, the last of each: what is there already is written again, for its timeout. */
  readonly #given = new Map<string, Entry>();
  /** All of them: what became of one by joining or cutting is another. */
  readonly #asGiven = new Set<Entry>();
  /** Entries that were added again as they are, with what they were given then. */
  readonly #refreshed = new Map<Entry, Entry['rest']>();

  constructor(before: readonly Entry[]) {
    this.#before = before;
    this.#entries = sorted(before);
  }

  /** What the kernel holds. */
  get before(): readonly Entry[] {
    return this.#before;
  }
  /** What it shall hold. */
  get after(): readonly Entry[] {
    this.#settle();
    return this.#entries;
  }

  /** `create`: one that is there is an error. */
  add(list: readonly Entry[], create: boolean, owner: Named | undefined): void {
    if (create) this.#refuseCovered(list);
    for (const e of list) {
      const one = owner === undefined ? e : { ...e, owner };
      this.#added.push(one);
      this.#given.set(keyOf(one), one);
      this.#asGiven.add(one);
    }
  }

  /** `strict`: one that is not there is an error. */
  cut(list: readonly Entry[], strict: boolean, owner: Named | undefined): void {
    this.#settle();
    const cuts = sorted(list);
    if (strict) this.#refuseAbsent(list, cuts);
    // What is left on either side of a cut is new to the kernel because of it.
    const piece = (one: Entry, range: Pick<Entry, 'low' | 'high'>, { index }: Entry): Entry => ({
      ...one,
      ...range,
      rest: this.#restOf(one),
      ...ownedBy(index, owner),
    });
    this.#change(merged(cuts), (part, within) => without(part, within, piece));
  }

  /** What the kernel no longer holds, and what it is given. */
  difference(): { readonly gone: readonly Entry[]; readonly written: readonly Entry[] } {
    const after = this.after;
    const [old, kept] = [new Set(this.#before), new Set(after)];
    const again = (e: Entry): Entry | undefined => (this.#given.size === 0 ? undefined : this.#given.get(keyOf(e)));
    const last = (e: Entry): Entry => (this.#asGiven.has(e) ? (again(e) ?? e) : e);
    return {
      gone: this.#before.filter((e) => !kept.has(e)),
      written: after.flatMap((e) => (old.has(e) ? (again(e) ?? []) : last(e))),
    };
  }

  #refuseCovered(list: readonly Entry[]): void {
    this.#settle();
    const there = list.find((e) => covered(this.#entries, e));
    if (there !== undefined) throw new ElementError(`elem[${there.index}].val`, 'is in the set already', EEXIST);
  }

  /** Also what the same list deletes twice. */
  #refuseAbsent(list: readonly Entry[], cuts: readonly Entry[]): void {
    const twice = overlapping(cuts).map(({ first, second }) => Math.max(first.index, second.index));
    const absent = list.find((e) => !covered(this.#entries, e))?.index;
    const index = [...twice, ...(absent === undefined ? [] : [absent])].reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
    if (index !== Number.POSITIVE_INFINITY) throw new ElementError(`elem[${index}].val`, 'is not in the set as it is now', ENOENT);
  }

  #settle(): void {
    if (this.#added.length === 0) return;
    const added = sorted(this.#added);
    this.#added = [];
    const given = new Map(added.map((e) => [keyOf(e), e]));
    // A range of the kernel's that grows is written because of the one that makes it grow, and lives as that one says.
    const join = (one: Entry, more: Entry): Entry => ({
      ...one,
      high: more.high,
      rest: isKernels(one) && !isKernels(more) ? livingAs(one.rest, more.rest) : this.#restOf(one),
      ...(isKernels(one) ? ownedBy(more.index, more.owner) : {}),
    });
    this.#change(added, (part, within) => {
      for (const e of part) {
        const again = given.get(keyOf(e));
        if (again !== undefined) this.#refreshed.set(e, again.rest);
      }
      return merged(sorted([...part, ...within]), join);
    });
  }

  /** What an element has beside its range: as it was given last, when it was there already. */
  #restOf(e: Entry): Entry['rest'] {
    return this.#refreshed.get(e) ?? e.rest;
  }

  /** Replaces the entries that sorted ranges touch; all others stay where they are. */
  #change(ranges: readonly Entry[], f: (part: readonly Entry[], ranges: readonly Entry[]) => readonly Entry[]): void {
    const first = ranges[0];
    if (first === undefined) return;
    const high = ranges.reduce((a, { high: b }) => (Buffer.compare(a, b) < 0 ? b : a), first.high);
    const from = Math.max(0, firstNotBelow(this.#entries, first.low) - 1);
    // One more on either side: ranges that only touch become one.
    const next = successor(high);
    const to = next === undefined ? this.#entries.length : firstNotBelow(this.#entries, next) + 1;
    const part = f(this.#entries.slice(from, to), ranges);
    if (part.length < SPLICED) this.#entries.splice(from, to - from, ...part);
    else this.#entries = this.#entries.slice(0, from).concat(part, this.#entries.slice(to));
  }
}

/** More would be too many arguments. */
const SPLICED = 1000;

/** The times of `more`, which makes the range grow; comment and statements of the one that was there, where `more` has none. */
function livingAs(one: Entry['rest'], more: Entry['rest']): Entry['rest'] {
  const { timeout: _1, expiration: _2, ...kept } = one;
  return { ...kept, ...more };
}

/** As the kernel holds it: no operation has to do with it yet. */
const isKernels = (e: Entry): boolean => e.index < 0 && e.owner === undefined;

const ownedBy = (index: number, owner: Named | undefined): Pick<Entry, 'index' | 'owner'> => ({
  index,
  ...(owner === undefined ? {} : { owner }),
});

const keyOf = (e: Entry): string => `${Buffer.from(e.low).toString('hex')}-${Buffer.from(e.high).toString('hex')}`;

/** The same for all operations on one set as it was looked at. */
export function mergingOf(info: SetInfo, last: boolean): Merging {
  let merging = mergings.get(info);
  if (merging === undefined) mergings.set(info, (merging = new Merging(info.entries ?? [])));
  merging.last = last;
  return merging;
}
const mergings = new WeakMap<SetInfo, Merging>();
