// Rules that restores of ours made anew between two polls: what they counted before each of them, as it was read right before, and since the last.
import type { Counter } from '../model/ruleset.ts';
import { at, beyond, isLess, isSame, NOTHING, sum } from './arithmetic.ts';
import type { ChainCounters } from './ledger.ts';
import { byValue } from './match.ts';
import type { Beginning, Own } from './own.ts';
import { chainKey, chainNumbers, chainRows, type RuleCounters, tableKey } from './rows.ts';

/** One restore, as a chain has met it. */
interface Restore {
  readonly given: readonly (Counter | undefined)[];
  readonly before: ChainCounters;
  /** The place among those of `before` of the rule that was at this place in the chain; undefined: none, or one of several alike. */
  find(place: number): number | undefined;
}
interface History {
  /** The chain's first row in the earlier poll. */
  readonly start: number;
  readonly restores: readonly Restore[];
}

/** What resets of ours have read, before the first restore and after the last. */
export interface Lost {
  readonly before: Counter | undefined;
  readonly after: Counter | undefined;
}

export interface Across {
  readonly counted: Counter;
  readonly mayLack: boolean;
}

export class AcrossRestores {
  readonly #own: Own;
  readonly #earlier: RuleCounters;
  readonly #later: RuleCounters;
  readonly #numbers: ReadonlyMap<string, number>;
  /** By number of the later poll. */
  readonly #histories = new Map<number, History | undefined>();
  readonly #alike = new Map<number, ReadonlyMap<bigint, readonly number[]>>();

  constructor(own: Own, earlier: RuleCounters, later: RuleCounters) {
    this.#own = own;
    this.#earlier = earlier;
    this.#later = later;
    this.#numbers = own.begun.size === 0 ? new Map() : chainNumbers(earlier.structure);
  }

  /** Of a row that was surely `old`, if any, and began with `first` at the last restore. */
  of(row: number, old: number | undefined, first: Beginning, lost: Lost): Across {
    const known = old === undefined || !first.sure ? undefined : this.#known(row, old, first.counter, lost);
    if (known !== undefined) return known;
    // What it was given need not be what it had; of several alike, any may have been given the most.
    const given = this.#isOneOfSeveral(row) ? first.most : first.counter;
    return { counted: beyond(sum(lost.after, at(this.#later, row)), given), mayLack: true };
  }

  /** Undefined where not all that came between is known. */
  #known(row: number, old: number, began: Counter, lost: Lost): Across | undefined {
    const number = this.#later.chain[row] as number;
    if (!this.#histories.has(number)) this.#histories.set(number, this.#history(number));
    const history = this.#histories.get(number);
    if (history === undefined) return undefined;
    const place = old - history.start;
    let counted = NOTHING;
    let mayLack = false;
    let was = at(this.#earlier, old);
    for (const [i, { given, before, find }] of history.restores.entries()) {
      const found = find(place);
      if (found === undefined) return undefined;
      const there = at(before, before.start + found);
      const had = i === 0 ? sum(lost.before, there) : there;
      if (isLess(had, was)) return undefined;
      counted = sum(counted, beyond(had, was));
      const gave = i === history.restores.length - 1 ? began : (given[place] ?? NOTHING);
      // It was counting, and was not given what it had right before: more may have passed until it was made anew.
      mayLack ||= !isSame(had, was) && !isSame(there, gave);
      was = gave;
    }
    const now = sum(lost.after, at(this.#later, row));
    return isLess(now, was) ? undefined : { counted: sum(counted, beyond(now, was)), mayLack };
  }

  #isOneOfSeveral(row: number): boolean {
    const number = this.#later.chain[row] as number;
    const { contents } = this.#later.structure;
    let rows = this.#alike.get(number);
    if (rows === undefined) this.#alike.set(number, (rows = byValue(contents, ...chainRows(this.#later.structure, number))));
    return (rows.get(contents[row] as bigint)?.length ?? 0) > 1;
  }

  #history(number: number): History | undefined {
    const place = this.#later.structure.places[number];
    const restores = place === undefined ? undefined : this.#own.begun.get(chainKey(place));
    if (place === undefined || restores === undefined || this.#own.dropped.has(tableKey(place))) return undefined;
    const key = chainKey(place);
    const chain = this.#numbers.get(key);
    if (chain === undefined) return undefined;
    const rules = contentsOf(this.#earlier, chain);
    // Where there were several, only the place in the chain says which rule is which between them.
    const several = restores.length > 1;
    if (several && !isEqual(rules, contentsOf(this.#later, number))) return undefined;
    const out: Restore[] = [];
    for (const { counters: given, before } of restores) {
      if (before === undefined || before.unlocked) return undefined;
      const had = before.contents.subarray(before.start, before.end);
      if (several && !(given.length === rules.length && isEqual(rules, had))) return undefined;
      out.push({ given, before, find: sameIn(rules, had) });
    }
    return { start: chainRows(this.#earlier.structure, chain)[0], restores: out };
  }
}

function contentsOf({ structure }: RuleCounters, chain: number): BigUint64Array {
  return structure.contents.subarray(...chainRows(structure, chain));
}
/** By place among `rules`: the place among `others` of the rule of that content, where there is one alone of it. */
function sameIn(rules: BigUint64Array, others: BigUint64Array): (place: number) => number | undefined {
  const [was, is] = [byValue(rules, 0, rules.length), byValue(others, 0, others.length)];
  return (place) => {
    const content = rules[place] as bigint;
    const found = is.get(content) ?? [];
    return found.length === 1 && was.get(content)?.length === 1 ? found[0] : undefined;
  };
}
function isEqual(a: BigUint64Array, b: BigUint64Array): boolean {
  return a.length === b.length && a.every((content, i) => content === b[i]);
}
