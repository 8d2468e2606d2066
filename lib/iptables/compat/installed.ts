// An iptables rule in nf_tables.
import type { Counter, Family } from '../../model/ruleset.ts';
import type { Expression } from '../../nftables/expressions/index.ts';
import type { RuleDump } from '../../nftables/installed-rule.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { InstalledIptablesRule } from '../installed.ts';
import type { ForeignRule, RuleSpec } from '../rule-spec.ts';
import { fromXt } from '../xt-convert.ts';
import { readRow } from './decode.ts';

export class CompatRule extends InstalledIptablesRule {
  readonly #dump: RuleDump;
  readonly #row: number;
  readonly #counter: Counter | undefined;

  /** `counter`: of a later poll, in place of what was dumped. */
  constructor(dump: RuleDump, row: number, context: BytesContext, counter: Counter | undefined = dump.counter(row)) {
    super(context);
    this.#dump = dump;
    this.#row = row;
    this.#counter = counter;
  }
  get family(): Family {
    return this.#dump.chainOf(this.#row).family;
  }
  get table(): string {
    return this.#dump.chainOf(this.#row).table;
  }
  get chain(): string {
    return this.#dump.chainOf(this.#row).chain;
  }
  get index(): number {
    return this.#row - this.#dump.chainOf(this.#row).start;
  }
  get handle(): bigint {
    return this.#dump.reply.handles[this.#row] as bigint;
  }
  get counter(): Counter {
    return this.#counter as Counter;
  }
  protected override decode(context: BytesContext): RuleSpec | ForeignRule {
    const rule = readRow(context.family, this.#dump, this.#row);
    const counter = this.#counter;
    if (rule !== undefined) return fromXt(counter === undefined ? rule : { ...rule, counter }, context);
    return { foreign: true, expressions: this.#dump.expressions(this.#row) as readonly Expression[] };
  }
}
