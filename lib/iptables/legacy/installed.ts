// An iptables rule in a legacy table: read when it is looked at.
import { jsonSafe } from '../../model/json.ts';
import type { Counter, Family } from '../../model/ruleset.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { commentOf, isForeign, UNSAYABLE_ENTRY } from '../installed.ts';
import type { ForeignRule, IptablesRule, RuleSpec } from '../rule-spec.ts';
import { printRule } from '../rule-text.ts';
import { fromXt } from '../xt-convert.ts';
import type { LegacyTable } from './table.ts';

export class LegacyRule implements IptablesRule {
  readonly #table: LegacyTable;
  readonly #row: number;
  readonly #context: BytesContext;
  #spec: RuleSpec | ForeignRule | undefined;

  readonly #counter: Counter | undefined;

  /** `counter`: of a later poll, in place of what was read. */
  constructor(table: LegacyTable, row: number, context: BytesContext, counter?: Counter) {
    this.#counter = counter;
    this.#table = table;
    this.#row = row;
    this.#context = context;
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
  get comment(): string {
    return commentOf(this.spec);
  }
  get spec(): RuleSpec | ForeignRule {
    this.#spec ??= this.#decode();
    return this.#spec;
  }
  #decode(): RuleSpec | ForeignRule {
    const rule = this.#table.rule(this.#row);
    if (rule !== undefined) return fromXt({ ...rule, counter: this.counter }, this.#context);
    return { foreign: true, expressions: [{ type: 'unknown', name: UNSAYABLE_ENTRY, data: this.#table.entry(this.#row).slice() }] };
  }
  toString(): string {
    const { spec } = this;
    return isForeign(spec) ? `[unsupported: ${UNSAYABLE_ENTRY}]` : printRule(spec, this.#context.family);
  }
  toJSON(): unknown {
    const { family, table, chain, index, comment, counter, spec } = this;
    return jsonSafe({ family, table, chain, index, comment, counter, spec });
  }
}
