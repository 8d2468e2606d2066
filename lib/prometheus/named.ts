// Polls of what has a name: base chains and counters as rows of series, quotas and sets as values of a moment.
import type { NamedCounters } from '../counters/named.ts';
import { ENOENT } from '../errno.ts';
import { NetfilterError } from '../errors.ts';
import type { QuotaSnapshot } from '../nftables/named-counters.ts';
import type { Nftables, SetRef } from '../nftables/nftables.ts';
import { type Labels, SeriesBook } from './series.ts';

interface Named {
  readonly family: string;
  readonly table: string;
  readonly name: string;
  readonly handle?: bigint;
}

export class NamedSeries {
  readonly book: SeriesBook;
  readonly #label: string;
  #last = new Map<string, number>();

  /** `label`: the label that the name is. */
  constructor(maximum: number, label: string) {
    this.book = new SeriesBook(maximum, ['family', 'table', label]);
    this.#label = label;
  }

  update(counters: NamedCounters<Named>): void {
    const all = Array.from({ length: counters.length }, (_, row) => counters.row(row));
    const keys = all.map(({ family, table, name, handle }) => JSON.stringify([family, table, name, String(handle)]));
    this.book.update({
      labels: all.map((of) => this.book.labelled(named(of, this.#label))),
      packets: counters.packets,
      bytes: counters.bytes,
      before: Int32Array.from(keys, (key) => this.#last.get(key) ?? -1),
      likeness: (row) => `${all[row]?.family} ${all[row]?.table} ${all[row]?.name}`,
    });
    this.#last = new Map(keys.map((key, row) => [key, row]));
  }
}

function named({ family, table, name }: Named, label: string): Labels {
  return { family, table, [label]: name };
}

export interface QuotaValue {
  /** Undefined: all that are beyond the maximum. */
  readonly labels: Labels | undefined;
  readonly used: bigint;
  readonly limit: bigint;
}

/** Those beyond `maximum` are summed. */
export function quotaValues(quotas: QuotaSnapshot, maximum: number): { readonly values: QuotaValue[]; readonly leftOut: number } {
  const all = Array.from({ length: quotas.length }, (_, row): QuotaValue => {
    const quota = quotas.row(row);
    return { labels: named(quota, 'quota'), used: quotas.used[row] as bigint, limit: quota.limit };
  });
  const rest = all.slice(maximum);
  if (rest.length === 0) return { values: all, leftOut: 0 };
  const sum = (of: 'used' | 'limit'): bigint => rest.reduce((s, q) => s + q[of], 0n);
  return { values: [...all.slice(0, maximum), { labels: undefined, used: sum('used'), limit: sum('limit') }], leftOut: rest.length };
}

export interface SetSize {
  readonly labels: Labels;
  readonly elements: number;
}

/** Adds the sizes to `sizes`. ENOENT where a set isn't there; the sizes of the others are added all the same. */
export async function readSetSizes(nft: Nftables, sets: readonly SetRef[], sizes: SetSize[]): Promise<void> {
  const missing: string[] = [];
  for (const set of sets) {
    try {
      sizes.push({ labels: named(set, 'set'), elements: await nft.elementCount(set) });
    } catch (err) {
      if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
      missing.push(`${set.family} ${set.table} ${set.name}`);
    }
  }
  if (missing.length > 0) throw new NetfilterError(`set sizes: no set ${missing.join(', no set ')}`, { code: 'ENOENT', errno: ENOENT });
}
