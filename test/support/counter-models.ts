// Polls made by hand: rulesets as lists of rules with counters, for tests of what is made of them.

import { RuleDeltas } from '../../lib/counters/deltas.ts';
import type { CounterLedger } from '../../lib/counters/ledger.ts';
import { RuleCounters, type RuleStructure } from '../../lib/counters/rows.ts';
import type { Counter, Family, InstalledRule } from '../../lib/model/ruleset.ts';

export interface ModelRule {
  readonly content: bigint;
  readonly packets: bigint;
  readonly bytes: bigint;
  readonly handle?: bigint;
  readonly counts?: boolean;
}
export interface ModelChain {
  readonly table?: string;
  readonly name: string;
  readonly rules: readonly ModelRule[];
}

class ModelStructure implements RuleStructure {
  readonly length: number;
  readonly chain: Uint32Array;
  readonly contents: BigUint64Array;
  readonly handles?: BigUint64Array;
  readonly counted: Uint8Array;
  readonly places: RuleStructure['places'];
  readonly tables?: ReadonlyMap<string, bigint>;

  constructor(chains: readonly ModelChain[], handles: boolean, tables: ReadonlyMap<string, bigint> | undefined) {
    if (tables !== undefined) this.tables = tables;
    // As the kernel has it: a chain without rules is in no dump.
    const some = chains.filter((c) => c.rules.length > 0);
    const rules = some.flatMap((c) => c.rules);
    this.length = rules.length;
    this.chain = Uint32Array.from(some.flatMap((c, i) => c.rules.map(() => i)));
    this.contents = BigUint64Array.from(rules, (r) => r.content);
    this.counted = Uint8Array.from(rules, (r) => (r.counts === false ? 0 : 1));
    if (handles) this.handles = BigUint64Array.from(rules, (r) => r.handle ?? 0n);
    let start = 0;
    this.places = some.map((c) => {
      const place = { family: 'ip' as const, table: c.table ?? 't', chain: c.name, start };
      start += c.rules.length;
      return place;
    });
  }
  rule(row: number, counter: Counter | undefined): InstalledRule {
    const place = this.places[this.chain[row] as number];
    const family: Family = 'ip';
    return {
      family,
      table: place?.table ?? '',
      chain: place?.chain ?? '',
      index: row - (place?.start ?? 0),
      ...(this.handles === undefined ? {} : { handle: this.handles[row] as bigint }),
      ...(counter === undefined ? {} : { counter }),
    };
  }
}

let seconds = 0;

/** A poll of these chains; `steady`: with the structure of that one. */
export function poll(
  chains: readonly ModelChain[],
  o: {
    readonly handles: boolean;
    readonly mark?: number;
    readonly steady?: RuleCounters;
    readonly unlocked?: boolean;
    readonly tables?: ReadonlyMap<string, bigint>;
  },
): RuleCounters {
  const rules = chains.flatMap((c) => c.rules);
  return new RuleCounters(o.steady?.structure ?? new ModelStructure(chains, o.handles, o.tables), {
    packets: BigUint64Array.from(rules, (r) => r.packets),
    bytes: BigUint64Array.from(rules, (r) => r.bytes),
    takenAt: 1000 * seconds++,
    mark: o.mark ?? 0,
    ...(o.unlocked === undefined ? {} : { unlocked: o.unlocked }),
  });
}

/** Deltas as `packets/bytes note`, by row that counts. */
export function deltas(earlier: RuleCounters, later: RuleCounters, ledger: CounterLedger): string[] {
  return [...new RuleDeltas(earlier, later, ledger)].map((d) => `${d.packets}/${d.bytes}${d.note === undefined ? '' : ` ${d.note}`}`);
}
