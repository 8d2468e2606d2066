// Measures one scenario at one size: all columns in turns, A B C A B C, so that what disturbs the machine disturbs them alike.
import type { Column, ColumnKind, Scenario, Tools } from './scenario.ts';
import { type Statistics, slope, statistics } from './statistics.ts';

export interface ColumnResult {
  readonly kind: ColumnKind;
  readonly name: string;
  /** Milliseconds, in the order they were measured. */
  readonly samples: readonly number[];
  readonly statistics: Statistics;
  /** Median against the floor's median; not of the floor itself. */
  readonly timesFloor?: number;
  /** Real programs only: median against the first nflink column's. */
  readonly timesNflink?: number;
}

export interface Result {
  readonly scenario: string;
  readonly size: number;
  readonly subject: string;
  readonly columns: readonly ColumnResult[];
}

/** How the columns of one scenario grow from the smallest size to the largest: as size to the power of `exponent`. */
export interface Growth {
  readonly scenario: string;
  readonly from: number;
  readonly to: number;
  readonly aim: string;
  readonly columns: readonly { readonly name: string; readonly exponent: number }[];
}

export interface RunSettings {
  readonly repetitions: number;
  readonly warmUps: number;
  readonly progress: (done: number, all: number) => void;
}

export async function runScenario(scenario: Scenario, size: number, tools: Tools, o: RunSettings): Promise<Result> {
  const prepared = await scenario.prepare(size, tools);
  try {
    const measured = prepared.columns.map((column) => ({ column, samples: [] as number[] }));
    const turns = ({ most }: Column): number => (most === undefined ? o.warmUps + o.repetitions : Math.min(most, o.repetitions));
    const all = measured.reduce((sum, { column }) => sum + turns(column), 0);
    let done = 0;
    for (let round = -o.warmUps; round < o.repetitions; round++) {
      for (const { column, samples } of measured) {
        if (column.most !== undefined && (round < 0 || samples.length >= column.most)) continue;
        const ms = await column.measure();
        if (round >= 0) samples.push(ms);
        o.progress(++done, all);
      }
    }
    const columns = measured.map(({ column: { kind, name }, samples }) => ({ kind, name, samples, statistics: statistics(samples) }));
    return { scenario: scenario.name, size, subject: prepared.subject, columns: compare(columns) };
  } finally {
    await prepared.close();
  }
}

/** Adds the ratios between the medians. */
export function compare(columns: readonly Omit<ColumnResult, 'timesFloor' | 'timesNflink'>[]): ColumnResult[] {
  const floor = columns.find((c) => c.kind === 'floor')?.statistics.median;
  const nflink = columns.find((c) => c.kind === 'nflink')?.statistics.median;
  return columns.map((c) => ({
    ...c,
    ...(floor === undefined || c.kind === 'floor' ? {} : { timesFloor: c.statistics.median / floor }),
    ...(nflink === undefined || c.kind !== 'exec' ? {} : { timesNflink: c.statistics.median / nflink }),
  }));
}

/** Undefined where there are no two sizes. */
export function growthOf(aim: string, results: readonly Result[]): Growth | undefined {
  const sizes = results.map(({ size }) => size);
  const [from, to] = [Math.min(...sizes), Math.max(...sizes)];
  const [first] = results;
  if (first === undefined || from === to) return undefined;
  const columns = first.columns.map(({ name }, i) => {
    const points = results.map(({ size, columns }) => [Math.log(size), Math.log(columns[i]?.statistics.median ?? Number.NaN)] as const);
    return { name, exponent: slope(points) };
  });
  return { scenario: first.scenario, from, to, aim, columns };
}
