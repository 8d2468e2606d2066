// Lists of rates: on a terminal each in the place of the one before, in a pipe one after the other.
import type { RuleDelta } from 'nflink';

const terminal = process.stdout.isTTY === true;

export class RateScreen {
  #lines = 0;

  show(head: string, deltas: readonly RuleDelta[]): void {
    const rows = deltas.map(({ rule, packetsPerSecond, bytesPerSecond, note }) => {
      const rates = `${rate(packetsPerSecond)} ${rate(bytesPerSecond)} ${(note ?? '').padEnd(11)}`;
      return `${rates} ${plain(`${rule.family} ${rule.table} ${rule.chain} ${rule.comment ?? nameless(rule)}`)}`;
    });
    this.#print([plain(head), `${'packets/s'.padStart(12)} ${'bytes/s'.padStart(12)} ${'note'.padEnd(11)} rule`, ...rows]);
  }
  say(text: string): void {
    this.#print([plain(text)]);
  }

  #print(lines: readonly string[]): void {
    if (!terminal) {
      process.stdout.write(`${lines.join('\n')}\n`);
      return;
    }
    // A terminal may not know its size: 0.
    const [columns, rows] = [process.stdout.columns || 80, process.stdout.rows || 24];
    const fitting = lines.slice(0, Math.max(1, rows - 1)).map((line) => line.slice(0, columns - 1));
    // Up to where the list before began, each line to its end, then what is below.
    const up = this.#lines === 0 ? '' : `\x1b[${this.#lines}F`;
    process.stdout.write(`${up}${fitting.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#lines = fitting.length;
  }
}

function rate(perSecond: number): string {
  return perSecond.toFixed(1).padStart(12);
}
function nameless({ handle, index }: RuleDelta['rule']): string {
  return handle === undefined ? `number ${index + 1}` : `handle ${handle}`;
}
/** Comments are anybody's: what a terminal would obey is shown as `?`. */
function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
