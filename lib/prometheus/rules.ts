// Polls of rule counters as rows of series. Labels are asked for once, and again when the rules have changed, in slices: those of 100,000 rules
// take a second or more, and the service has others to serve.
import { countedBetween } from '../counters/deltas.ts';
import { AMBIGUOUS, SAME } from '../counters/match.ts';
import { chainKey, RuleCounters, type RuleStructure } from '../counters/rows.ts';
import { UnlockedPolls } from '../counters/unlocked.ts';
import { NetfilterError } from '../errors.ts';
import type { CounterSnapshot, InstalledRule } from '../model/ruleset.ts';
import { runAsync, Slice } from '../run.ts';
import { type Labelled, type Labels, NEW_ROW, ONE_OF_SEVERAL, SeriesBook } from './series.ts';

/** By comment, else by handle; on legacy by number, as iptables counts from 1. */
export function ruleLabels(rule: InstalledRule): Labels {
  const { family, table, chain, comment, handle, index } = rule;
  return { family, table, chain, rule: comment ?? (handle === undefined ? `number ${index + 1}` : `handle ${handle}`) };
}
export const ruleLabelNames = ['family', 'table', 'chain', 'rule'];

export class RuleSeries {
  readonly book: SeriesBook;
  readonly #names: ReadonlySet<string>;
  readonly #labels: (rule: InstalledRule) => Labels | undefined;
  #last: { readonly counters: RuleCounters; readonly labels: readonly (Labelled | undefined)[] } | undefined;
  readonly #unlocked = new UnlockedPolls();

  constructor(maximum: number, names: readonly string[], labels: (rule: InstalledRule) => Labels | undefined) {
    this.book = new SeriesBook(maximum, names);
    this.#names = new Set(names);
    this.#labels = labels;
  }

  /** One at a time. Until it is done, and where it throws, the book is as it was. */
  async update(snapshot: CounterSnapshot): Promise<void> {
    if (!(snapshot instanceof RuleCounters))
      throw new NetfilterError('rule counters of another copy of nflink than nflink/prometheus', { code: 'ERR_INVALID_ARG' });
    const last = this.#last;
    const { structure } = snapshot;
    // The values of the last poll stay until the next tells.
    if (this.#unlocked.isUnsure(last?.counters, snapshot)) return;
    const counted = last === undefined ? undefined : countedBetween(last.counters, snapshot);
    // A rule that was replaced is another one.
    const before =
      counted?.before.map((old, row) => (counted.how[row] === SAME ? old : counted.how[row] === AMBIGUOUS ? ONE_OF_SEVERAL : NEW_ROW)) ??
      new Int32Array(snapshot.length).fill(NEW_ROW);
    const labels = last !== undefined && last.counters.structure === structure ? last.labels : await this.#allLabels(snapshot, before);
    const chains = structure.places.map(chainKey);
    this.book.update({
      labels,
      packets: snapshot.packets,
      bytes: snapshot.bytes,
      before,
      ...(counted === undefined ? {} : { counted }),
      likeness: (row) => `${chains[structure.chain[row] as number]} ${structure.contents[row] as bigint}`,
    });
    this.#last = { counters: snapshot, labels };
  }

  /** Of rules that are where they were, the labels they had: a commit that changes a few rules of many does not make all of them be read. */
  async #allLabels(counters: RuleCounters, before: Int32Array): Promise<(Labelled | undefined)[]> {
    const last = this.#last;
    const where = placesOf(counters.structure);
    const was = last === undefined ? undefined : placesOf(last.counters.structure);
    const all: (Labelled | undefined)[] = [];
    const slice = new Slice();
    for (let row = 0; row < counters.length; row++) {
      if (slice.isOver) await runAsync(slice.pause());
      const old = before[row] as number;
      if (counters.structure.counted?.[row] === 0) all.push(undefined);
      else if (last !== undefined && old >= 0 && was?.(old) === where(row)) all.push(last.labels[old]);
      else all.push(this.#labelled(counters.row(row)));
    }
    return all;
  }

  #labelled(rule: InstalledRule): Labelled | undefined {
    const labels = this.#labels(rule);
    if (labels === undefined) return undefined;
    this.#check(labels);
    return this.book.labelled(labels);
  }

  #check(labels: Labels): void {
    for (const [name, value] of Object.entries(labels)) {
      if (!this.#names.has(name))
        throw new NetfilterError(`rule label ${JSON.stringify(name)} is not among the label names`, { code: 'ERR_INVALID_ARG' });
      if (typeof value !== 'string') throw new NetfilterError(`rule label ${name}: text is needed`, { code: 'ERR_INVALID_ARG' });
    }
  }
}

/** What tells a row's chain and its place in it, as text. */
function placesOf({ places, chain }: RuleStructure): (row: number) => string {
  const keys = places.map(chainKey);
  return (row) => {
    const number = chain[row] as number;
    return `${row - (places[number]?.start ?? 0)} ${keys[number]}`;
  };
}
