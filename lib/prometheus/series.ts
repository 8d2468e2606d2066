// Series over polls: what Prometheus is shown for things that count and come and go. It reads a value that is less than the one before as a counter
// that began anew, and takes all of it for an increase: right for one rule that was reset, wrong for a sum that a rule has left. So a
// series has the kernel's own value, or the sum of its rules', for as long as that leads Prometheus to what was counted; else what it had and what was
// counted since.

export type Labels = Readonly<Record<string, string>>;

/** Labels, and what is equal for equal ones. */
export interface Labelled {
  readonly labels: Labels;
  readonly key: string;
}

/** Things that count, in one poll. */
export interface Rows {
  /** By row; undefined: left out. The same array for as long as nothing but counters changes. */
  readonly labels: readonly (Labelled | undefined)[];
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  /** By row: the row it was in the poll before, NEW_ROW or ONE_OF_SEVERAL. */
  readonly before: Int32Array;
  /** By row that is not new: what it has certainly counted since the poll before. Absent: what the two values say. */
  readonly counted?: { readonly packets: BigUint64Array; readonly bytes: BigUint64Array };
  /** By row: equal for what may well be the same thing, made anew. */
  likeness(row: number): string;
}

export const NEW_ROW = -1;
/** It was there, or another like it was: needs `counted`. */
export const ONE_OF_SEVERAL = -2;

export interface Series {
  /** Undefined: all that is beyond the maximum. */
  readonly labels: Labels | undefined;
  packets: bigint;
  bytes: bigint;
}

interface Polled {
  readonly rows: Rows;
  /** By row, undefined where it is left out. */
  readonly series: readonly (Series | undefined)[];
}

export class SeriesBook {
  readonly #maximum: number;
  readonly #names: readonly string[];
  #own = new Map<string, Series>();
  #rest: Series | undefined;
  #last: Polled | undefined;
  #leftOut = 0;

  /** `names`: of the labels, in any order. */
  constructor(maximum: number, names: readonly string[]) {
    this.#maximum = maximum;
    this.#names = names;
  }

  /** Label sets that are summed into one series. */
  get leftOut(): number {
    return this.#leftOut;
  }
  *[Symbol.iterator](): Iterator<Series> {
    yield* this.#own.values();
    if (this.#rest !== undefined) yield this.#rest;
  }

  labelled(labels: Labels): Labelled {
    // A label that isn't there is an empty one, as with Prometheus.
    return { labels, key: JSON.stringify(this.#names.map((name) => labels[name] ?? '')) };
  }

  /** The next poll; what its rows' `before` are numbers of is the last one given here. */
  update(rows: Rows): void {
    const last = this.#last;
    const known = new Set<Series>(this);
    const series = last?.rows.labels === rows.labels ? last.series : this.#assign(rows.labels);
    const counted = last === undefined ? undefined : increases(last, rows, series);
    const sums = new Map<Series, Sum>();
    for (let row = 0; row < series.length; row++) {
      const of = series[row];
      if (of === undefined) continue;
      let sum = sums.get(of);
      if (sum === undefined) sums.set(of, (sum = { packets: 0n, bytes: 0n, morePackets: 0n, moreBytes: 0n }));
      sum.packets += rows.packets[row] as bigint;
      sum.bytes += rows.bytes[row] as bigint;
      sum.morePackets += counted?.packets[row] ?? 0n;
      sum.moreBytes += counted?.bytes[row] ?? 0n;
    }
    for (const [of, sum] of sums) {
      of.packets = known.has(of) ? shown(of.packets, sum.packets, sum.morePackets) : sum.packets;
      of.bytes = known.has(of) ? shown(of.bytes, sum.bytes, sum.moreBytes) : sum.bytes;
    }
    this.#last = { rows, series };
  }

  /** Label sets that have a series keep it; new ones get one until there are as many as may be. */
  #assign(rows: readonly (Labelled | undefined)[]): (Series | undefined)[] {
    const own = new Map<string, Series>();
    for (const row of rows) {
      const series = row === undefined ? undefined : this.#own.get(row.key);
      if (row !== undefined && series !== undefined) own.set(row.key, series);
    }
    const beyond = new Set<string>();
    const out = rows.map((row) => {
      if (row === undefined) return undefined;
      const { key, labels } = row;
      let series = own.get(key);
      if (series === undefined && own.size < this.#maximum) own.set(key, (series = { labels, packets: 0n, bytes: 0n }));
      if (series !== undefined) return series;
      beyond.add(key);
      return (this.#rest ??= { labels: undefined, packets: 0n, bytes: 0n });
    });
    if (beyond.size === 0) this.#rest = undefined;
    this.#own = own;
    this.#leftOut = beyond.size;
    return out;
  }
}

interface Sum {
  packets: bigint;
  bytes: bigint;
  morePackets: bigint;
  moreBytes: bigint;
}

/** What a series shows next, after `was`: its rules have counted `sum` in all, and `more` since the poll before. */
function shown(was: bigint, sum: bigint, more: bigint): bigint {
  // Less than before, and all of it new: Prometheus finds the counter reset and the increase right.
  return sum < was && sum === more ? sum : was + more;
}

/** What each row has counted since the poll before. Where it can't be known, what is certain: never more. */
function increases(last: Polled, rows: Rows, series: readonly (Series | undefined)[]): { packets: BigUint64Array; bytes: BigUint64Array } {
  const before = rows.before.slice();
  pairUp(last, rows, series, before);
  const packets = new BigUint64Array(before.length);
  const bytes = new BigUint64Array(before.length);
  for (let row = 0; row < before.length; row++) {
    const old = before[row] as number;
    if (rows.counted !== undefined && rows.before[row] !== NEW_ROW) {
      packets[row] = rows.counted.packets[row] as bigint;
      bytes[row] = rows.counted.bytes[row] as bigint;
      continue;
    }
    const p = rows.packets[row] as bigint;
    const b = rows.bytes[row] as bigint;
    const wasP = old < 0 ? 0n : (last.rows.packets[old] as bigint);
    const wasB = old < 0 ? 0n : (last.rows.bytes[old] as bigint);
    const back = p < wasP || b < wasB;
    packets[row] = back ? p : p - wasP;
    bytes[row] = back ? b : b - wasB;
  }
  return { packets, bytes };
}

/**
 * A row that is new in its series, while another one is gone from it, may be the same thing made anew, with what it had counted (iptables-restore
 * -c): it is taken for that, since counts must not be invented.
 */
function pairUp(last: Polled, rows: Rows, series: readonly (Series | undefined)[], before: Int32Array): void {
  if (!before.includes(NEW_ROW)) return;
  const kept = new Set(before);
  const gone = new Map<Series, number[]>();
  for (const [row, of] of last.series.entries()) {
    if (of === undefined || kept.has(row)) continue;
    const list = gone.get(of);
    if (list === undefined) gone.set(of, [row]);
    else list.push(row);
  }
  if (gone.size === 0) return;
  const come = new Map<Series, number[]>();
  for (const [row, of] of series.entries()) {
    if (of === undefined || before[row] !== NEW_ROW || !gone.has(of)) continue;
    const list = come.get(of);
    if (list === undefined) come.set(of, [row]);
    else list.push(row);
  }
  for (const [of, news] of come) {
    const olds = gone.get(of) ?? [];
    const alike = new Map<string, number[]>();
    // From the last, to be taken from the end.
    for (const old of olds.toReversed()) {
      const likeness = last.rows.likeness(old);
      const list = alike.get(likeness);
      if (list === undefined) alike.set(likeness, [old]);
      else list.push(old);
    }
    const taken = new Set<number>();
    for (const row of news) {
      const old = alike.get(rows.likeness(row))?.pop();
      if (old === undefined) continue;
      before[row] = old;
      taken.add(old);
    }
    const others = olds.filter((old) => !taken.has(old)).values();
    for (const row of news) if (before[row] === NEW_ROW) before[row] = others.next().value ?? NEW_ROW;
  }
}
