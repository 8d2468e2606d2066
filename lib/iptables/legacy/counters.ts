// The counters of legacy rules as typed arrays; a row is decoded only when asked for.
import { commentMatches, placed } from '../../model/filter.ts';
import type { CounterSnapshot, InstalledRule, Place } from '../../model/ruleset.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { LegacyRule } from './installed.ts';
import { layouts } from './layout.ts';
import type { LegacyChain, LegacyTable } from './table.ts';

interface ChainRows {
  readonly table: LegacyTable;
  readonly chain: LegacyChain;
  /** Its first row in the arrays. */
  readonly start: number;
}

/** Of all rules of the tables, or of one chain. */
export class LegacyCounters implements CounterSnapshot {
  readonly length: number;
  readonly packets: BigUint64Array;
  readonly bytes: BigUint64Array;
  readonly chain: Uint32Array;
  readonly takenAt: number;
  readonly #chains: readonly ChainRows[];
  readonly #context: BytesContext;

  constructor(tables: readonly LegacyTable[], chain: string | undefined, context: BytesContext, takenAt: number) {
    this.takenAt = takenAt;
    this.#context = context;
    const chains: ChainRows[] = [];
    let length = 0;
    for (const table of tables) {
      for (const c of table.chains) {
        if (c.start === c.end || (chain !== undefined && c.name !== chain)) continue;
        chains.push({ table, chain: c, start: length });
        length += c.end - c.start;
      }
    }
    this.#chains = chains;
    this.length = length;
    this.packets = new BigUint64Array(length);
    this.bytes = new BigUint64Array(length);
    this.chain = new Uint32Array(length);
    for (const [number, rows] of chains.entries()) this.#fill(number, rows);
  }

  #fill(number: number, { table, chain, start }: ChainRows): void {
    const at = layouts[table.family];
    const { buffer, byteOffset, byteLength } = table.bytes;
    // Entries lie at multiples of eight, and so do their counters.
    const words = new BigUint64Array(buffer, byteOffset, byteLength >> 3);
    for (let row = chain.start; row < chain.end; row++) {
      const offset = table.offsets[row] as number;
      const to = start + row - chain.start;
      this.packets[to] = words[(offset + at.packets) >> 3] as bigint;
      this.bytes[to] = words[(offset + at.bytes) >> 3] as bigint;
    }
    this.chain.fill(number, start, start + chain.end - chain.start);
  }

  row(i: number): InstalledRule {
    if (!Number.isInteger(i) || i < 0 || i >= this.length) throw new RangeError(`row ${i} of ${this.length}`);
    const { table, chain, start } = this.#chains[this.chain[i] as number] as ChainRows;
    return new LegacyRule(table, chain.start + i - start, this.#context);
  }

  indexOf(where: Partial<Place> & { readonly comment?: string; readonly handle?: bigint }): number {
    // Legacy rules have no handles.
    if (where.handle !== undefined) return -1;
    for (const { table, chain, start } of this.#chains) {
      if (!placed({ family: table.family, table: table.name, chain: chain.name }, where)) continue;
      for (let row = start; row < start + chain.end - chain.start; row++) {
        if (where.comment === undefined || commentMatches(this.row(row).comment, where.comment)) return row;
      }
    }
    return -1;
  }
}
