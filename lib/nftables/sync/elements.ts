// The elements of a set that becomes another: which come, go, stay, and which only get another time to live.
import type { Slice, Verb } from '../../run.ts';
import type { ElementAttributes } from '../objects/element.ts';
import type { SetAttributes } from '../objects/set.ts';
import type { PortableSet } from '../portable.ts';
import { hasEnds, isEnd, wholeRanges } from '../taken.ts';
import { isDynamic, type TableContent } from './content.ts';
import { referenceOfElement } from './references.ts';

/** An element, or the two that the kernel keeps of a range. */
export interface Item {
  /** What it is found by. */
  readonly key: string;
  readonly content: string;
  /** Milliseconds that it lives; 0: for ever. */
  readonly timeout: bigint;
  readonly parts: readonly ElementAttributes[];
}

export interface ElementCounts {
  readonly added: number;
  readonly removed: number;
  /** Their time to live is changed. */
  readonly refreshed: number;
  readonly kept: number;
}

export interface ElementPlan {
  readonly added: readonly Item[];
  readonly removed: readonly Item[];
  readonly refreshed: readonly { readonly was: Item; readonly will: Item }[];
  readonly kept: number;
}
export const noElements: ElementPlan = { added: [], removed: [], refreshed: [], kept: 0 };

/** The kernel keeps times in ticks, of 10 ms at most: what another has rounded is the same. */
const TICK_MS = 10n;

export function sameTime(a: bigint, b: bigint): boolean {
  if (a === b) return true;
  if (a === 0n || b === 0n) return false;
  const difference = a < b ? b - a : a - b;
  return difference <= TICK_MS;
}

/**
 * `shape`: a range that nothing ends but the next one's begin (the kernel takes such) is another item than the same with an end, or else the next one's end
 * could be taken for its own. It is found `dumped`, and `written` with an end.
 */
export function* itemsOf(set: PortableSet, content: TableContent, slice: Slice, shape: 'dumped' | 'written'): Verb<Item[]> {
  const { attributes, elements } = set;
  const item = (key: string, parts: readonly [ElementAttributes, ElementAttributes?]): Item => {
    const [e] = parts;
    const timeout = e.timeout ?? attributes.timeout ?? 0n;
    return { key, content: content.element(attributes, e), timeout, parts: parts.filter((part) => part !== undefined) };
  };
  const items: Item[] = [];
  if (!hasEnds(attributes)) {
    for (const e of elements) {
      items.push(item(`${text(e.key)}-${text(e.keyEnd)}`, [e]));
      yield* slice.pause();
    }
    return items;
  }
  const list = [...wholeRanges(elements)];
  for (let i = 0; i < list.length; i++) {
    yield* slice.pause();
    const e = list[i] as ElementAttributes;
    if (isEnd(e)) continue;
    // What has no key is for all that is in no range, and the last range may go on to the end of all addresses.
    const next = e.key === undefined ? undefined : list[i + 1];
    const key = `${text(e.key)}-${text(next?.key)}`;
    if (next?.key === undefined) items.push(item(key, [e]));
    else if (isEnd(next)) items.push(item(key, [e, next]));
    else if (shape === 'written') items.push(item(key, [e, { key: next.key, flags: ['interval end'] }]));
    else items.push(item(`${key}|open`, [e]));
  }
  return items;
}

function text(key: Uint8Array | undefined): string {
  return key === undefined ? '' : Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

/**
 * `all`: what the packet path has put in a dynamic set counts too; else nothing of such a set goes or changes, but what jumps to a chain that goes. (Names of
 * objects are in no such map: nf_tables_newset.)
 */
export function planElements(
  definition: SetAttributes,
  before: readonly Item[],
  after: readonly Item[],
  o: { readonly all: boolean; readonly goneChains: ReadonlySet<string> },
): ElementPlan {
  const old = new Map(before.map((item) => [item.key, item]));
  const isState = (item: Item): boolean => isDynamic(definition) && !o.all && !jumpsTo(o.goneChains, definition, item);
  const added: Item[] = [];
  const removed: Item[] = [];
  const refreshed: { was: Item; will: Item }[] = [];
  let kept = 0;
  for (const will of after) {
    const was = old.get(will.key);
    old.delete(will.key);
    if (was === undefined) added.push(will);
    else if (isState(was) || (was.content === will.content && sameTime(was.timeout, will.timeout))) kept++;
    else if (was.content === will.content) refreshed.push({ was, will });
    else {
      removed.push(was);
      added.push(will);
    }
  }
  for (const item of old.values()) {
    if (isState(item)) kept++;
    else removed.push(item);
  }
  return { added, removed, refreshed, kept };
}

function jumpsTo(chains: ReadonlySet<string>, definition: SetAttributes, { parts: [e] }: Item): boolean {
  const reference = chains.size === 0 || e === undefined ? undefined : referenceOfElement(definition, e);
  return reference?.to === 'chain' && chains.has(reference.name);
}
