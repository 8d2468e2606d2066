// Elements in a transaction: what a list of them becomes in messages, by the kind of set it is for.
import { EncodeError } from '../../wire/errors.ts';
import { show } from '../../wire/kinds.ts';
import { AttributeWriter } from '../../wire/writer.ts';
import type { Named } from '../batch.ts';
import type { Written } from '../input/kind.ts';
import { type ElementAttributes, livingOn } from '../objects/element.ts';
import * as m from '../objects/messages.ts';
import { durationMs } from './datatypes.ts';
import { elementList } from './decoded.ts';
import { readElementInput } from './element-input.ts';
import { ElementMessages, intervalEnd, type Places } from './element-messages.ts';
import type { Entry, EntryRest } from './entries.ts';
import { compareBytes, overlap, sorted, successor } from './intervals.ts';
import { Merging, OwnedError } from './merging.ts';
import type { SetName } from './scope.ts';
import { endsApart, hasFlag, keyHasEnd, type SetInfo } from './set-info.ts';
import { elementUserdata, withoutOpen } from './userdata.ts';

export interface ElementContext {
  readonly w: AttributeWriter;
  /** NFT_MSG_NEWSETELEM, DELSETELEM or DESTROYSETELEM, and nlmsg flags. */
  readonly type: number;
  readonly flags: number;
  /** The set is made in the same operation. */
  readonly fresh?: boolean;
  /** The operation, where one on the same set may write its elements. */
  readonly named?: Named;
  /** `owner`: the operation it is part of, where that is another. */
  emit(header: Written & { readonly elements?: number }, owner?: Named): void;
}

/** `input`: a list of elements, or packed keys. Throws EncodeError with `elem[17].val`. */
export function writeElements(info: SetInfo, set: SetName, input: unknown, c: ElementContext): void {
  if (isPacked(input)) return writePacked(info, set, input, c);
  const list = readElementInput(info, input, c.type === m.NFT_MSG_NEWSETELEM);
  writeEntries(info, set, refreshed(info, list.entries, c), c);
  const out = messages(c, set, info, c.type);
  for (const e of refreshed(info, list.catchAll, c)) out.add(e.index, { ...e.rest, flags: ['catch-all'] });
  out.end();
}

function writeEntries(info: SetInfo, set: SetName, entries: readonly Entry[], c: ElementContext): void {
  if (info.entries !== undefined) return merge(info, set, entries, c);
  const out = messages(c, set, info, c.type);
  if (endsApart(info)) writeIntervals(info, checked(info, entries), out, c);
  else if (keyHasEnd(info)) for (const e of entries) out.add(e.index, { ...e.rest, key: e.low, keyEnd: e.high });
  else for (const e of entries) out.add(e.index, { ...e.rest, key: e.low });
  out.end();
}

/** How many elements of the kernel a new set's `input` becomes. */
export function countElements(info: SetInfo, set: SetName, input: unknown): number {
  let count = 0;
  const emit: ElementContext['emit'] = ({ elements = 0 }) => {
    count += elements;
  };
  const merging = info.autoMerge ? { ...info, entries: [] } : info;
  writeElements(merging, set, input, { w: new AttributeWriter(), type: m.NFT_MSG_NEWSETELEM, flags: 0, fresh: true, emit });
  return count;
}

function messages(c: ElementContext, set: SetName, info: SetInfo, type: number): ElementMessages {
  const target = { table: set.table, set: set.name, ...(info.id === undefined ? {} : { setId: info.id }) };
  return new ElementMessages(c.w, target, (places, elements) =>
    c.emit({
      type,
      flags: type === m.NFT_MSG_NEWSETELEM ? c.flags : 0,
      family: set.family,
      locate: (path) => userPath(path, places),
      elements,
    }),
  );
}

/** `elements[3].key.…` of a message as `elem[17].val` of the user's list. */
function userPath(path: string, places: Places): string {
  const parts = /^elements\[(\d+)\](?:\.(\w+))?/.exec(path);
  const place = parts === null ? -1 : places(Number(parts[1]));
  if (place < 0) return path.startsWith('elements') ? 'elem' : path === 'set' || path === 'setId' ? 'name' : path;
  const property = parts?.[2];
  if (property === 'data' || property === 'objref') return `elem[${place}].data`;
  if (property === 'timeout') return `elem[${place}].timeout`;
  if (property === 'expiration') return `elem[${place}].expires`;
  return property === 'expr' || property === 'expressions' ? `elem[${place}].expressions` : `elem[${place}].val`;
}

/**
 * An element that is there already keeps its remaining time unless told another (nft_add_set_elem, Linux 6.12 and later; before
 * it keeps it in any case): so timeout and remaining time are both said, the set's own too, and adding again refreshes.
 */
function refreshed<T extends { readonly rest: EntryRest }>(info: SetInfo, list: readonly T[], c: ElementContext): readonly T[] {
  if (c.type !== m.NFT_MSG_NEWSETELEM || (c.flags & m.NLM_F_EXCL) !== 0 || !hasFlag(info, 'timeout')) return list;
  // Elements without anything of their own share one `rest`, before and after.
  let last: readonly [before: EntryRest, after: EntryRest] | undefined;
  const dressed = (rest: EntryRest): EntryRest => {
    const timeout = rest.timeout ?? info.timeout;
    return timeout === undefined || timeout === 0n || rest.expiration !== undefined ? rest : { ...rest, timeout, expiration: timeout };
  };
  return list.map((e) => {
    let rest = e.rest === last?.[0] ? last[1] : undefined;
    if (rest === undefined) {
      rest = dressed(e.rest);
      last = [e.rest, rest];
    }
    return { ...e, rest };
  });
}

/** Sorted, the same range once; a conflict is named as the later of the two. */
function checked(info: SetInfo, entries: readonly Entry[]): Entry[] {
  const list = sorted(entries);
  const conflict = overlap(list);
  if (conflict !== undefined) throw conflictError(conflict.first, conflict.second, 'overlaps');
  const once: Entry[] = [];
  for (const e of list) {
    const last = once.at(-1);
    if (last === undefined || compareBytes(last.low, e.low) !== 0) once.push(e);
    else if (info.data !== undefined && !sameData(last.rest, e.rest)) throw conflictError(last, e, 'has other data than');
  }
  return once;
}

function conflictError(a: Entry, b: Entry, what: string): EncodeError {
  const [first, second] = a.index < b.index ? [a, b] : [b, a];
  return new EncodeError(`elem[${second.index}].val`, `${what} elem[${first.index}]`);
}

function sameData(a: EntryRest, b: EntryRest): boolean {
  if (a.objref !== b.objref) return false;
  if (a.data instanceof Uint8Array && b.data instanceof Uint8Array) return compareBytes(a.data, b.data) === 0;
  return JSON.stringify(a.data) === JSON.stringify(b.data);
}

/** Half-open: the start, then an end behind the last key; none where there is no key behind it. */
function writeIntervals(info: SetInfo, list: readonly Entry[], out: ElementMessages, c: ElementContext): void {
  const adding = c.type === m.NFT_MSG_NEWSETELEM;
  // As nft: a new set says first that nothing matches below its first interval.
  if (adding && c.fresh === true && list[0]?.low.some((byte) => byte !== 0) === true) {
    out.add(-1, { key: new Uint8Array(info.key.length), flags: intervalEnd });
  }
  for (const e of list) out.add(e.index, ...intervalElements(e, adding));
}

function intervalElements(e: Entry, adding: boolean): ElementAttributes[] {
  const end = successor(e.high);
  if (end === undefined) return [{ ...(adding ? open(e.rest) : e.rest), key: e.low }];
  return [
    { ...e.rest, key: e.low },
    { key: end, flags: intervalEnd },
  ];
}

/** Marks that the end element is missing on purpose. */
function open(rest: EntryRest): EntryRest {
  const mark = elementUserdata(undefined, true) as Uint8Array;
  if (rest.userdata === undefined) return { ...rest, userdata: mark };
  const both = new Uint8Array(rest.userdata.length + mark.length);
  both.set(rest.userdata);
  both.set(mark, rest.userdata.length);
  return { ...rest, userdata: both };
}

/** With auto-merge: into what the set holds; the last operation on it writes what became of all of them. */
function merge(info: SetInfo, set: SetName, entries: readonly Entry[], c: ElementContext): void {
  const merging = info.merging ?? new Merging(info.entries ?? []);
  merging.first ??= c.named;
  if (c.type === m.NFT_MSG_NEWSETELEM) {
    merging.add(entries, (c.flags & m.NLM_F_EXCL) !== 0, c.named);
    merging.fresh ||= c.fresh === true;
  } else merging.cut(entries, c.type === m.NFT_MSG_DELSETELEM, c.named);
  if (merging.last) writeDifference(info, set, merging, c);
}

function writeDifference(info: SetInfo, set: SetName, merging: Merging, c: ElementContext): void {
  const { gone, written } = merging.difference();
  // What has a time to live may be gone when the deletion arrives.
  const first: ElementContext = { ...c, emit: (header) => c.emit(header, merging.first) };
  const deleted = messages(first, set, info, hasFlag(info, 'timeout') ? m.NFT_MSG_DESTROYSETELEM : m.NFT_MSG_DELSETELEM);
  for (const e of gone) deleted.add(e.index, ...intervalElements({ ...e, rest: {} }, false));
  deleted.end();
  let fresh = merging.fresh && merging.before.length === 0 && merging.after[0]?.low.some((byte) => byte !== 0) === true;
  for (const [owner, list] of byOwner(written)) {
    // What is there already has been refused where it had to be.
    const add: ElementContext = {
      ...c,
      type: m.NFT_MSG_NEWSETELEM,
      flags: m.NLM_F_CREATE,
      fresh,
      emit: (header) => c.emit(header, owner),
    };
    fresh = false;
    try {
      const out = messages(add, set, info, add.type);
      writeIntervals(info, list, out, add);
      out.end();
    } catch (err) {
      throw owner === undefined ? err : new OwnedError(owner, err);
    }
  }
}

/** In the order of the operations. */
function byOwner(list: readonly Entry[]): Map<Named | undefined, Entry[]> {
  const out = new Map<Named | undefined, Entry[]>();
  for (const e of list) {
    const others = out.get(e.owner);
    if (others === undefined) out.set(e.owner, [e]);
    else others.push(e);
  }
  return new Map([...out].sort(([a], [b]) => (a?.index ?? 0) - (b?.index ?? 0)));
}

interface Packed {
  readonly keys: Uint8Array;
  readonly timeout?: unknown;
}

export function isPacked(input: unknown): input is Packed {
  return typeof input === 'object' && input !== null && !Array.isArray(input) && 'keys' in input;
}

/** Keys back to back in the set's own bytes. */
function writePacked(info: SetInfo, set: SetName, input: Packed, c: ElementContext): void {
  const { keys } = input;
  const { length } = info.key;
  const adding = c.type === m.NFT_MSG_NEWSETELEM;
  if (!(keys instanceof Uint8Array)) throw new EncodeError('elem.keys', `bytes are needed, not ${show(keys)}`);
  for (const name in input)
    if (name !== 'keys' && name !== 'timeout') throw new EncodeError(`elem.${name}`, 'unknown property, one of keys, timeout');
  if (keys.length % length !== 0) throw new EncodeError('elem.keys', `${keys.length} bytes are no multiple of the key's ${length}`);
  if (adding && info.data !== undefined) throw new EncodeError('elem.keys', 'the elements of a map need data; give a list of pairs');
  const [{ rest }] = refreshed(info, [{ rest: adding ? timeoutOf(info, input.timeout) : {} }], c) as readonly [
    { readonly rest: EntryRest },
  ];
  if (!endsApart(info)) return messages(c, set, info, c.type).packed(keys, length, rest, keyHasEnd(info));
  const entries = Array.from({ length: keys.length / length }, (_, index): Entry => {
    const low = keys.subarray(index * length, (index + 1) * length);
    return { low, high: low, rest, index };
  });
  writeEntries(info, set, entries, c);
}

function timeoutOf(info: SetInfo, value: unknown): EntryRest {
  if (value === undefined) return {};
  const timeout = durationMs(value);
  if (timeout === undefined) throw new EncodeError('elem.timeout', `seconds, or text such as '1h30m', are needed, not ${show(value)}`);
  if (!hasFlag(info, 'timeout')) throw new EncodeError('elem.timeout', 'the set needs the flag timeout');
  return { timeout };
}

/** The intervals of a dumped interval set. */
export function entriesOf(elements: readonly ElementAttributes[]): Entry[] {
  return elementList(elements).flatMap(({ low, high, rest }) => {
    if (low === undefined || high === undefined) return [];
    const { userdata, ...others } = livingOn(rest);
    const kept = withoutOpen(userdata);
    return [{ low, high, rest: kept === undefined ? others : { ...others, userdata: kept }, index: -1 }];
  });
}
