// An iptables rule in the kernel, on the nf_tables backend: decoded when it is looked at.
import { jsonSafe } from '../model/json.ts';
import type { Counter, Family } from '../model/ruleset.ts';
import type { AnyExpression } from '../nftables/expressions/expression.ts';
import type { Expression } from '../nftables/expressions/index.ts';
import type { RuleDump } from '../nftables/installed-rule.ts';
import { isCompatible, readRow } from './compat/decode.ts';
import type { BytesContext } from './extensions/codec.ts';
import type { ForeignRule, IptablesRule, RuleSpec } from './rule-spec.ts';
import { printRule } from './rule-text.ts';
import { fromXt } from './xt-convert.ts';

export class InstalledIptablesRule implements IptablesRule {
  readonly #dump: RuleDump;
  readonly #row: number;
  readonly #context: BytesContext;
  readonly #counter: Counter | undefined;
  #spec: RuleSpec | ForeignRule | undefined;

  /** `counter`: of a later poll, in place of what was dumped. */
  constructor(dump: RuleDump, row: number, context: BytesContext, counter: Counter | undefined = dump.counter(row)) {
    this.#dump = dump;
    this.#row = row;
    this.#context = context;
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
  get comment(): string {
    return commentOf(this.spec);
  }
  get spec(): RuleSpec | ForeignRule {
    this.#spec ??= this.#decode();
    return this.#spec;
  }
  #decode(): RuleSpec | ForeignRule {
    const rule = readRow(this.#context.family, this.#dump, this.#row);
    const counter = this.#counter;
    if (rule !== undefined) return fromXt(counter === undefined ? rule : { ...rule, counter }, this.#context);
    return { foreign: true, expressions: this.#dump.expressions(this.#row) as readonly Expression[] };
  }
  toString(): string {
    const { spec } = this;
    return isForeign(spec)
      ? `[unsupported: ${spec.expressions.map((e) => (e.type === 'unknown' ? e.name : e.type)).join(' ')}]`
      : printRule(spec, this.#context.family);
  }
  toJSON(): unknown {
    const { family, table, chain, index, handle, comment, counter, spec } = this;
    return jsonSafe({ family, table, chain, index, handle, comment, counter, spec });
  }
}

/** The first -m comment. Without one it is undefined, which exactOptionalPropertyTypes does not let a getter say. */
export function commentOf(spec: RuleSpec | ForeignRule): string {
  const comment = isForeign(spec) ? undefined : spec.matches?.find((m) => m.name === 'comment');
  return (comment !== undefined && 'comment' in comment ? comment.comment : undefined) as string;
}

/** What stands for a legacy rule whose base entry has bits that iptables has no option for: all of it as bytes. */
export const UNSAYABLE_ENTRY = 'xt_entry';

/** Whether the real save would print a table that holds the rule: the legacy one prints any. */
export function isPrintable(spec: RuleSpec | ForeignRule): boolean {
  return !isForeign(spec) || spec.expressions.every((e) => isLegacyEntry(e) || isCompatible(e as AnyExpression));
}

function isLegacyEntry(e: ForeignRule['expressions'][number]): boolean {
  return e.type === 'unknown' && e.name === UNSAYABLE_ENTRY;
}

export function isForeign(spec: RuleSpec | ForeignRule): spec is ForeignRule {
  return 'foreign' in spec;
}
