// What is said about a column's samples.

export interface Statistics {
  readonly samples: number;
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
}

/** Order doesn't matter. Throws where there are no samples. */
export function statistics(samples: readonly number[]): Statistics {
  const sorted = [...samples].sort((a, b) => a - b);
  const [min] = sorted;
  const max = sorted.at(-1);
  if (min === undefined || max === undefined) throw new RangeError('no samples');
  return { samples: sorted.length, min, median: quantile(sorted, 0.5), p95: quantile(sorted, 0.95), max };
}

/** Between the two nearest samples in proportion (Hyndman and Fan's type 7). `sorted` must not be empty. */
function quantile(sorted: readonly number[], q: number): number {
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}
