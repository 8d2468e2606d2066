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

/** How much `y` grows by one `x`: the line of least squares through the points. Throws where there are no two of them. */
export function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
  if (!(spread > 0)) throw new RangeError('no two points beside each other');
  return points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0) / spread;
}

/** Between the two nearest samples in proportion (Hyndman and Fan's type 7). `sorted` must not be empty. */
export function quantile(sorted: readonly number[], q: number): number {
  const place = (sorted.length - 1) * q;
  const low = sorted[Math.floor(place)] ?? Number.NaN;
  const high = sorted[Math.ceil(place)] ?? Number.NaN;
  return low + (high - low) * (place - Math.floor(place));
}
