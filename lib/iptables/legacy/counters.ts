// A poll of legacy counters: typed arrays from the addon's walk of each table, under the lock where it can be had. A table that has not changed
// but in what it counts is not transferred again.
import type { Connection } from '../../connection.ts';
import { ledgerOf } from '../../counters/ledger.ts';
import { Recent } from '../../counters/recent.ts';
import { RuleCounters, type RuleStructure } from '../../counters/rows.ts';
import type { Counter, InstalledRule } from '../../model/ruleset.ts';
import type { Verb } from '../../run.ts';
import type { BytesContext, IpFamily } from '../extensions/codec.ts';
import { LegacyRule } from './installed.ts';
import { existingTables, lockPath, requestTable } from './requests.ts';
import { LegacyTable } from './table.ts';

/** A table's rules, or those of one of its chains: rows [start, end) of the table. */
interface Part {
  readonly table: LegacyTable;
  readonly start: number;
  readonly end: number;
}

class LegacyStructure implements RuleStructure {
  readonly length: number;
  readonly chain: Uint32Array;
  readonly contents: BigUint64Array;
  readonly #parts: readonly Part[];
  readonly #context: BytesContext;
  /** By chain number: its first row. */
  readonly #starts: readonly number[];
  #places: RuleStructure['places'] | undefined;

  constructor(parts: readonly Part[], context: BytesContext) {
    this.#parts = parts;
    this.#context = context;
    this.length = parts.reduce((sum, p) => sum + p.end - p.start, 0);
    this.chain = new Uint32Array(this.length);
    this.contents = joined(parts.map(({ table, start, end }) => table.contents.subarray(start, end)));
    const starts: number[] = [];
    let row = 0;
    for (const { table, start, end } of parts) {
      const { chainNumbers } = table;
      let last = -1;
      for (let i = start; i < end; i++, row++) {
        const number = chainNumbers[i] as number;
        if (number !== last) starts.push(row);
        last = number;
        this.chain[row] = starts.length - 1;
      }
    }
    this.#starts = starts;
  }

  /** The names of chains are read when somebody asks. */
  get places(): RuleStructure['places'] {
    this.#places ??= this.#starts.map((start) => {
      const { table, row } = this.#at(start);
      return { family: table.family, table: table.name, chain: table.chainOf(row).name, start };
    });
    return this.#places;
  }
  rule(row: number, counter: Counter | undefined): InstalledRule {
    const { table, row: at } = this.#at(row);
    return new LegacyRule(table, at, this.#context, counter);
  }

  /** A row of one of the tables. */
  #at(row: number): { readonly table: LegacyTable; readonly row: number } {
    let at = row;
    for (const { table, start, end } of this.#parts) {
      if (at < end - start) return { table, row: start + at };
      at -= end - start;
    }
    throw new RangeError(`row ${row} of ${this.length}`);
  }
}

function joined(parts: readonly BigUint64Array[]): BigUint64Array {
  const [only, ...more] = parts;
  if (only !== undefined && more.length === 0) return only;
  const out = new BigUint64Array(parts.reduce((sum, p) => sum + p.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

interface Scope {
  readonly tables: readonly LegacyTable[];
  readonly structure: LegacyStructure;
}

/** Polls of one connection: what the tables were at the last. */
export class LegacyPolls {
  readonly #connection: Connection;
  readonly #family: IpFamily;
  /** By name: shared by all scopes, since a table is read whole. */
  readonly #tables = new Map<string, LegacyTable>();
  readonly #scopes = new Recent<string, Scope>();

  constructor(connection: Connection, family: IpFamily) {
    this.#connection = connection;
    this.#family = family;
  }

  *read(names: readonly string[], chain: string | undefined, context: BytesContext): Verb<RuleCounters> {
    const key = JSON.stringify([names, chain]);
    const before = this.#scopes.get(key);
    const counts: { readonly packets: BigUint64Array; readonly bytes: BigUint64Array; readonly table: LegacyTable }[] = [];
    let unlocked = false;
    for (const name of yield* existingTables(this.#connection, this.#family, names)) {
      const last = this.#tables.get(name);
      const reply = yield* requestTable(this.#connection, this.#family, name, { lock: lockPath(), known: last?.digest });
      if (reply.missing === true) continue;
      unlocked ||= reply.unlocked === true;
      const table = reply.known === true && last !== undefined ? last : new LegacyTable(this.#family, name, reply);
      this.#tables.set(name, table);
      counts.push({ packets: reply.packets ?? table.packets, bytes: reply.bytes ?? table.byteCounts, table });
    }
    const steady = before !== undefined && before.tables.length === counts.length && counts.every((c, i) => before.tables[i] === c.table);
    const parts = steady ? [] : counts.map(({ table }) => partOf(table, chain));
    const structure = steady ? before.structure : new LegacyStructure(parts, context);
    if (!steady) this.#scopes.set(key, { tables: counts.map((c) => c.table), structure });
    const of = (which: 'packets' | 'bytes'): BigUint64Array =>
      joined(
        counts.map((c) => {
          const { start, end } = partOf(c.table, chain);
          // A part is copied: a snapshot of one chain keeps no other's counters.
          return end - start === c[which].length ? c[which] : c[which].slice(start, end);
        }),
      );
    return new RuleCounters(structure, {
      packets: of('packets'),
      bytes: of('bytes'),
      takenAt: performance.timeOrigin + performance.now(),
      mark: ledgerOf(this.#connection).mark,
      unlocked,
    });
  }
}

function partOf(table: LegacyTable, chain: string | undefined): Part {
  if (chain === undefined) return { table, start: 0, end: table.length };
  const found = table.chain(chain);
  return { table, start: found?.start ?? 0, end: found?.end ?? 0 };
}
