// Random transactions of nf_tables, and lines for the real nft: most are accepted, and what is refused has changed nothing.
import { type Expression, expressions as e, type NftRule, type NftTransaction, type Operation, type Ruleset } from '../../lib/index.ts';

type Family = 'ip' | 'inet' | 'ip6';

export interface ChaosOptions {
  readonly families?: readonly Family[];
  /** Names of the tables that are made; absent: always another. */
  readonly tables?: readonly string[];
  /** What rules are made of. */
  readonly rules?: readonly (readonly Expression[])[];
}

interface At {
  readonly family: Family;
  readonly table: string;
  readonly chain: string;
}

/** Mulberry32: the same transactions every time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

export class Chaos {
  readonly #random: (below: number) => number;
  readonly #families: readonly Family[];
  readonly #tables: readonly string[] | undefined;
  readonly #rules: readonly (readonly Expression[])[];
  #names = 0;

  constructor(seed: number, o: ChaosOptions = {}) {
    this.#random = random(seed);
    this.#families = o.families ?? ['ip', 'inet', 'ip6'];
    this.#tables = o.tables;
    this.#rules = o.rules ?? [[e.counter()]];
  }
  #of<T>(list: readonly T[]): T | undefined {
    return list[this.#random(list.length || 1)];
  }
  #name(prefix: string): string {
    return `${prefix}${this.#names++}`;
  }

  #table(prefix: string): string {
    return this.#tables === undefined ? this.#name(prefix) : (this.#of(this.#tables) as string);
  }

  own(tx: NftTransaction, state: Ruleset<NftRule>): void {
    const chains = state.tables.flatMap((t) =>
      t.chains.map((c) => ({ family: t.family as Family, table: t.name, chain: c.name, rules: c.rules })),
    );
    // Kept small: every transaction is compared with a whole dump.
    const largest =
      state.tables.length > (this.#tables?.length ?? 3) + 3 || chains.reduce((n, c) => n + c.rules.length, 0) > 150
        ? this.#of(state.tables)
        : undefined;
    if (largest !== undefined) {
      tx.delete({ table: { family: largest.family, name: largest.name } });
      return;
    }
    const added: { readonly at: At; readonly op: Operation }[] = [];
    const used = new Set<bigint>();
    const emptied = new Set<string>();
    for (let left = 1 + this.#random(8); left > 0; left--) {
      const at = this.#of(chains);
      if (at === undefined || this.#random(40) === 0) {
        const table = { family: this.#of(this.#families) ?? 'ip', name: this.#table('t') };
        tx.add({ table });
        for (let i = 0; i < 3; i++) tx.add({ chain: { ...table, table: table.name, name: this.#name('c') } });
        return;
      }
      const { family, table, chain } = at;
      const place = { family, table, chain };
      const key = `${family} ${table} ${chain}`;
      const rule = { ...place, comment: this.#name('r'), expressions: this.#of(this.#rules) ?? [] };
      const free = emptied.has(key) ? [] : at.rules.filter((r) => !used.has(r.handle));
      const other = this.#of(free);
      const sibling = this.#of(added.filter((a) => a.at.chain === chain && a.at.table === table && a.at.family === family));
      switch (this.#random(16)) {
        case 0:
        case 1:
        case 2:
          added.push({ at: place, op: tx.add({ rule }) });
          break;
        case 3:
        case 4:
          added.push({ at: place, op: tx.insert({ rule }) });
          break;
        case 5:
        case 6:
          if (other !== undefined) added.push({ at: place, op: tx.add({ rule: { ...rule, handle: other.handle } }) });
          break;
        case 7:
        case 8:
          if (other !== undefined) added.push({ at: place, op: tx.insert({ rule: { ...rule, handle: other.handle } }) });
          break;
        case 9:
        case 10:
          if (sibling !== undefined)
            added.push({ at: place, op: tx.add({ rule }, this.#random(2) === 0 ? { before: sibling.op } : { after: sibling.op }) });
          break;
        case 11:
          if (other !== undefined) {
            used.add(other.handle);
            tx.replace({ rule: { ...rule, handle: other.handle } });
          }
          break;
        case 12:
        case 13:
          if (other !== undefined) {
            used.add(other.handle);
            tx.delete({ rule: { ...place, handle: other.handle } });
          }
          break;
        case 14:
          if (this.#random(4) > 0 || used.size > 0 || added.length > 0) break;
          emptied.add(key);
          tx.flush({ chain: { family, table, name: chain } });
          break;
        default:
          switch (this.#random(6)) {
            case 0:
              // Behind everything else of this transaction, whose chain would be gone.
              if (added.length > 0 || used.size > 0) break;
              tx.flush({ chain: { family, table, name: chain } });
              tx.delete({ chain: { family, table, name: chain } });
              return;
            case 1:
              if (state.tables.length < 3) break;
              tx.delete({ table: { family, name: table } });
              return;
            case 2:
              tx.rename({ chain: { family, table, name: chain, newname: this.#name('n') } });
              return;
            default:
              tx.add({ chain: { family, table, name: this.#name('c') } });
          }
      }
    }
    if (tx.length === 0) tx.add({ table: { family: 'ip', name: 'always' } });
  }

  /** Lines for the real nft. */
  foreign(state: Ruleset<NftRule>): string {
    const lines: string[] = [];
    for (let left = 1 + this.#random(5); left > 0; left--) {
      const rule = this.#of([...state.rules()]);
      const table = this.#of(state.tables);
      const chain = table && this.#of(table.chains);
      const place = chain && `${chain.family} ${chain.table} ${chain.name}`;
      const text = `counter comment "${this.#name('f')}"`;
      const where = rule && `${rule.family} ${rule.table} ${rule.chain}`;
      const choice = this.#random(10);
      if (choice === 0 || place === undefined) lines.push(`add table ip ${this.#table('ft')}`);
      else if (choice === 1) lines.push(`flush chain ${place}`);
      else if (choice === 2) lines.push(`add chain ${chain?.family} ${chain?.table} ${this.#name('fc')}`);
      else if (choice < 5 || rule === undefined) lines.push(`${choice === 3 ? 'add' : 'insert'} rule ${place} ${text}`);
      else if (choice === 5) lines.push(`add rule ${where} handle ${rule.handle} ${text}`);
      else if (choice === 6) lines.push(`insert rule ${where} handle ${rule.handle} ${text}`);
      else if (choice === 7) lines.push(`replace rule ${where} handle ${rule.handle} ${text}`);
      else if (choice === 8) lines.push(`delete rule ${where} handle ${rule.handle}`);
      else lines.push(`add rule ${place} jump { ${text}; counter accept; }`);
    }
    return lines.join('\n');
  }
}
