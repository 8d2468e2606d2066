// Times of the same step by nflink and by a real program, and the table of them.
import { bold, dim } from './screen.ts';

interface Row {
  readonly subject: string;
  readonly step: string;
  readonly nflink: number;
  readonly program: string;
  readonly exec: number;
}

export class Timings {
  readonly #rows: Row[] = [];

  add(subject: string, step: string, nflink: readonly number[], program: string, exec: readonly number[]): void {
    this.#rows.push({ subject, step, nflink: median(nflink), program, exec: median(exec) });
  }

  print(): void {
    const cells = this.#rows.map((r) => [r.step, duration(r.nflink), duration(r.exec), ratio(r.exec / r.nflink), r.program] as const);
    const heads = ['', 'nflink', 'execFile', 'ratio', 'of'] as const;
    const widths = heads.map((head, i) => Math.max(head.length, ...cells.map((row) => row[i]?.length ?? 0)));
    const line = (row: readonly string[]): string =>
      row
        .map((cell, i) => (i === 0 || i === 4 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('   ')
        .trimEnd();
    console.log(`    ${dim(line(heads))}`);
    let subject = '';
    for (const [i, row] of this.#rows.entries()) {
      if (row.subject !== subject) console.log(`  ${bold((subject = row.subject))}`);
      console.log(`    ${line(cells[i] ?? [])}`);
    }
  }
}

/** Runs `work` and gives its milliseconds beside its result. */
export async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly result: T }> {
  const start = performance.now();
  const result = await work();
  return { ms: performance.now() - start, result };
}

function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = Number.NaN, high = Number.NaN] = [sorted[sorted.length % 2 === 1 ? middle : middle - 1], sorted[middle]];
  return (low + high) / 2;
}

export function duration(ms: number): string {
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}

function ratio(times: number): string {
  return `${times.toFixed(times < 10 ? 1 : 0)}×`;
}
