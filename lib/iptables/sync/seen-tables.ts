// What the last plan of a desired table has found, so that the next one goes through no chain that was as desired and has not changed since.
import type { DesiredChain, DesiredTable } from './desired.ts';
import type { TableScope } from './scope.ts';
import type { ChainState, TableHistory, TableState } from './state.ts';

interface Found {
  /** Of the text, in the scope. */
  readonly rules: number;
  /** Chains that were not as desired. */
  readonly differing: readonly string[];
}
interface Remembered extends Found {
  readonly history: TableHistory;
  readonly mark: number;
  readonly extent: string;
}
export interface Seen {
  readonly rules: number;
  /** Chains to be looked at again. */
  readonly chains: ReadonlySet<string>;
}

const found = new WeakMap<DesiredTable, Remembered>();

/** Undefined: every chain has to be looked at. */
export function seenBefore({ desired, extent }: TableScope, { history }: TableState): Seen | undefined {
  const before = desired === undefined ? undefined : found.get(desired);
  if (before === undefined || before.history !== history || before.extent !== extent) return undefined;
  const changed = history.since(before.mark);
  return changed === undefined ? undefined : { rules: before.rules, chains: new Set([...changed, ...before.differing]) };
}

export function remember({ desired, extent }: TableScope, { history }: TableState, what: Found): void {
  if (desired !== undefined && history !== undefined) found.set(desired, { ...what, history, mark: history.mark, extent });
}

/** In the order of the text. */
export function desiredChains(text: DesiredTable | undefined, seen: Seen | undefined): Iterable<DesiredChain> {
  if (text === undefined) return [];
  if (seen === undefined) return text.chains.values();
  const order = orderOf(text);
  return [...seen.chains]
    .flatMap((name) => text.chains.get(name) ?? [])
    .sort((a, b) => (order.get(a.name) as number) - (order.get(b.name) as number));
}

/** Those that may have to go, in the order of the table. */
export function chainsThere<C extends ChainState>(
  text: DesiredTable | undefined,
  state: TableState<C>,
  seen: Seen | undefined,
): Iterable<C> {
  if (seen === undefined) return state.chains.values();
  const others = [...seen.chains].filter((name) => text?.chains.has(name) !== true && state.chains.get(name) !== undefined);
  return others.length < 2
    ? others.flatMap((name) => state.chains.get(name) ?? [])
    : [...state.chains.values()].filter((c) => seen.chains.has(c.name));
}

const orders = new WeakMap<DesiredTable, ReadonlyMap<string, number>>();

function orderOf(text: DesiredTable): ReadonlyMap<string, number> {
  let order = orders.get(text);
  if (order === undefined) orders.set(text, (order = new Map([...text.chains.keys()].map((name, i) => [name, i]))));
  return order;
}
