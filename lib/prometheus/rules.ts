// Polls of rule counters as rows of series. Labels are asked for once, and again when the rules have changed.
import { matchRows } from '../counters/match.ts';
import { RuleCounters, type RuleStructure } from '../counters/rows.ts';
import { NetfilterError } from '../errors.ts';
import type { CounterSnapshot, InstalledRule } from '../model/ruleset.ts';
import { type Labels, SeriesBook } from './series.ts';

/** A holder that never lets go of the lock does not hold up counters for ever. */
const UNSURE_POLLS = 3;

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
  #last: { readonly counters: RuleCounters; readonly labels: readonly (Labels | undefined)[] } | undefined;
  #unsure = 0;

  constructor(maximum: number, names: readonly string[], labels: (rule: InstalledRule) => Labels | undefined) {
    this.book = new SeriesBook(maximum);
    this.#names = new Set(names);
    this.#labels = labels;
  }

  update(snapshot: CounterSnapshot): void {
    if (!(snapshot instanceof RuleCounters))
      throw new NetfilterError('rule counters of another copy of nflink than nflink/prometheus', { code: 'ERR_INVALID_ARG' });
    const last = this.#last;
    const { structure } = snapshot;
    const before =
      last === undefined
        ? new Int32Array(snapshot.length).fill(-1)
        : matchRows(last.counters.structure, structure, new Set<string>()).before;
    // Read without the lock, counters that went back may have met somebody's commit between its rules and their counters: the values of the
    // last poll stay until the next tells.
    if (snapshot.unlocked === true && last !== undefined && wentBack(last.counters, snapshot, before) && ++this.#unsure < UNSURE_POLLS)
      return;
    this.#unsure = 0;
    const labels = last !== undefined && last.counters.structure === structure ? last.labels : this.#allLabels(snapshot);
    this.book.update({
      labels,
      packets: snapshot.packets,
      bytes: snapshot.bytes,
      before,
      likeness: (row) => `${placeOf(structure, row)} ${structure.contents[row] ?? 0n}`,
    });
    this.#last = { counters: snapshot, labels };
  }

  #allLabels(counters: RuleCounters): (Labels | undefined)[] {
    return Array.from({ length: counters.length }, (_, row) => {
      if (counters.structure.counted?.[row] === 0) return undefined;
      const labels = this.#labels(counters.row(row));
      if (labels !== undefined) this.#check(labels);
      return labels;
    });
  }

  #check(labels: Labels): void {
    for (const [name, value] of Object.entries(labels)) {
      if (!this.#names.has(name))
        throw new NetfilterError(`rule label ${JSON.stringify(name)} is not among the label names`, { code: 'ERR_INVALID_ARG' });
      if (typeof value !== 'string') throw new NetfilterError(`rule label ${name}: text is needed`, { code: 'ERR_INVALID_ARG' });
    }
  }
}

function placeOf({ places, chain }: RuleStructure, row: number): string {
  const { family, table, chain: name } = places[chain[row] as number] ?? {};
  return `${family} ${table} ${name}`;
}

function wentBack(earlier: RuleCounters, later: RuleCounters, before: Int32Array): boolean {
  return before.some(
    (old, row) =>
      old >= 0 &&
      ((later.packets[row] as bigint) < (earlier.packets[old] as bigint) || (later.bytes[row] as bigint) < (earlier.bytes[old] as bigint)),
  );
}
