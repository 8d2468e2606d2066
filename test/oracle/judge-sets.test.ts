// libnftnl as judge of the tables of sets and elements.
import { test } from 'node:test';
import fc from 'fast-check';
import type { ElementAttributes, ElementListAttributes } from '../../lib/nftables/objects/element.ts';
import type { SetAttributes } from '../../lib/nftables/objects/set.ts';
import { type Exception, judgeAll, RANDOM_CASES, SEED, without } from '../support/judge.ts';
import { elementsCase, setCase } from '../support/set-cases.ts';
import { encoded, type ObjectCase } from '../support/wire-cases.ts';

const setExceptions: readonly Exception<SetAttributes>[] = [
  { writes: without('type'), reason: 'libnftnl 1.2.4 has no NFTA_SET_TYPE' },
  {
    writes: (s) => (s.expr === undefined ? s : without<SetAttributes>('expressions')(s)),
    reason: 'it writes one expression or several, never both',
  },
  { writes: without('count'), reason: 'libnftnl 1.2.4 has no NFTA_SET_COUNT' },
];

/** The same with the one element changed. */
const element =
  (change: (e: ElementAttributes) => ElementAttributes) =>
  (list: ElementListAttributes): ElementListAttributes => {
    const [e] = list.elements ?? [];
    if (e === undefined) return list;
    const changed = change(e);
    return changed === e ? list : { ...list, elements: [changed] };
  };
const elementExceptions: readonly Exception<ElementListAttributes>[] = [
  {
    writes: element((e) => (e.expr === undefined ? e : without<ElementAttributes>('expressions')(e))),
    reason: 'it writes one expression or several, never both',
  },
];

judge('a set', setCase, setExceptions);
// Table, set and id stand before the elements in the order nft writes them; libnftnl has another, and the kernel takes any.
const listOnly = ({ elements }: ElementListAttributes): ElementListAttributes => (elements === undefined ? {} : { elements });
judge('elements', { ...elementsCase, picked: elementsCase.picked.map(listOnly), any: elementsCase.any.map(listOnly) }, elementExceptions);

function judge<T extends object>(name: string, o: ObjectCase<T>, exceptions: readonly Exception<T>[]): void {
  test(`libnftnl reads and writes ${name} as nflink does`, () => {
    const values = [...o.picked, ...fc.sample(o.any, { numRuns: RANDOM_CASES, seed: SEED })];
    judgeAll(values, (value) => ({ type: o.message, attributes: encoded(o.table, value) }), exceptions);
  });
}
