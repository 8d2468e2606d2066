// An iptables rule in a legacy table.
import type { Counter, Family } from '../../model/ruleset.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { InstalledIptablesRule } from '../installed.ts';
import type { ForeignRule, RuleSpec } from '../rule-spec.ts';
import { fromXt } from '../xt-convert.ts';
import type { LegacyTable } from './table.ts';

/** What stands for a rule whose base entry has bits that iptables has no option for: all of it as bytes. */
const UNSAYABLE_ENTRY = 'xt_entry';

export function foreignEntry(entry: Uint8Array): ForeignRule {
  return { foreign: true, expressions: [{ type: 'unknown', name: UNSAYABLE_ENTRY, data: entry.slice() }] };
}

export class LegacyRule extends InstalledIptablesRule {
  readonly #table: LegacyTable;
  readonly #row: number;
  readonly #counter: Counter | undefined;

  /** `counter`: of a later poll, in place of what was read. */
  constructor(table: LegacyTable, row: number, context: BytesContext, counter?: Counter) {
    super(context);
    this.#table = table;
    this.#row = row;
    this.#counter = counter;
  }
  get family(): Family {
    return this.#table.family;
  }
  get table(): string {
    return this.#table.name;
  }
  get chain(): string {
    return this.#table.chainOf(this.#row).name;
  }
  get index(): number {
    return this.#row - this.#table.chainOf(this.#row).start;
  }
  get counter(): Counter {
    return this.#counter ?? { packets: this.#table.packets[this.#row] as bigint, bytes: this.#table.byteCounts[this.#row] as bigint };
  }
  protected override decode(context: BytesContext): RuleSpec | ForeignRule {
    const rule = this.#table.rule(this.#row);
    if (rule !== undefined) return fromXt({ ...rule, counter: this.counter }, context);
    return foreignEntry(this.#table.entry(this.#row));
  }
}
