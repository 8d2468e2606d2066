// The figures as text.
import type { Machine } from './machine.ts';
import type { ColumnResult, Growth, Result } from './run.ts';

export function formatMachine(m: Machine): string {
  const programs = Object.entries(m.versions).map(([name, version]) => `${name} ${version}`);
  return `${m.cpu}, ${m.cores} cores, ${m.memoryGiB} GiB; Linux ${m.kernel}; Node ${m.node}; ${programs.join(', ')}`;
}

const HEADS = ['', '', 'median ms', 'p95', 'min – max', '× floor', '× nflink'] as const;

export function formatResult(r: Result): string {
  const rows = [HEADS, ...r.columns.map(row)];
  const widths = HEADS.map((_, i) => Math.max(...rows.map((cells) => cells[i]?.length ?? 0)));
  const lines = rows.map((cells) =>
    cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
  );
  const samples = r.columns[0]?.statistics.samples ?? 0;
  return [`${r.scenario} ${r.size}: ${r.subject}, ${samples} repetitions`, ...lines.map((line) => `  ${line.trimEnd()}`), ''].join('\n');
}

export function formatGrowth(g: Growth): string {
  const lines = g.columns.map(({ name, exponent }) => `  ${name}: ${exponent.toFixed(2)}`);
  return [`${g.scenario} from ${g.from} to ${g.to}: medians grow as the size to the power of (${g.aim})`, ...lines, ''].join('\n');
}

function row(c: ColumnResult): string[] {
  const s = c.statistics;
  return [c.kind, c.name, ms(s.median), ms(s.p95), `${ms(s.min)} – ${ms(s.max)}`, times(c.timesFloor), times(c.timesNflink)];
}

/** Three digits that count, as far as they are behind the point. */
export function ms(value: number): string {
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 1 ? 2 : 3;
  return value.toFixed(digits);
}

function times(ratio: number | undefined): string {
  return ratio === undefined ? '' : `${ratio >= 10 ? ratio.toFixed(1) : ratio.toFixed(2)}×`;
}

export function mb(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Figures beside what they should be. */
export function formatAims(title: string, rows: readonly (readonly [what: string, figure: string, aim: string])[]): string {
  const widths = [0, 1].map((i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const lines = rows.map(([what, figure, aim]) =>
    `  ${what.padEnd(widths[0] ?? 0)}  ${figure.padEnd(widths[1] ?? 0)}  ${aim === '' ? '' : `aim ${aim}`}`.trimEnd(),
  );
  return [title, ...lines, ''].join('\n');
}
