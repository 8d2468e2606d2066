// An iptables rule in a kernel, of either backend: decoded when it is looked at.

import type { Counter, Family } from '../model/ruleset.ts';
import { jsonSafe } from '../wire/json.ts';
import type { BytesContext } from './extensions/codec.ts';
import type { ForeignRule, IptablesRule, RuleSpec } from './rule-spec.ts';
import { printRule } from './rule-text.ts';

export abstract class InstalledIptablesRule implements IptablesRule {
  readonly #context: BytesContext;
  #spec: RuleSpec | ForeignRule | undefined;

  constructor(context: BytesContext) {
    this.#context = context;
  }
  abstract get family(): Family;
  abstract get table(): string;
  abstract get chain(): string;
  abstract get index(): number;
  abstract get counter(): Counter;
  protected abstract decode(context: BytesContext): RuleSpec | ForeignRule;

  get spec(): RuleSpec | ForeignRule {
    this.#spec ??= this.decode(this.#context);
    return this.#spec;
  }
  /** The first -m comment. Without one it is undefined, which exactOptionalPropertyTypes does not let a getter say. */
  get comment(): string {
    const { spec } = this;
    const comment = isForeign(spec) ? undefined : spec.matches?.find((m) => m.name === 'comment');
    return (comment !== undefined && 'comment' in comment ? comment.comment : undefined) as string;
  }
  toString(): string {
    const { spec } = this;
    if (!isForeign(spec)) return printRule(spec, this.#context.family);
    return `[unsupported: ${spec.expressions.map((e) => (e.type === 'unknown' ? e.name : e.type)).join(' ')}]`;
  }
  toJSON(): unknown {
    const { family, table, chain, index, comment, counter, spec } = this;
    const { handle }: IptablesRule = this;
    return jsonSafe({ family, table, chain, index, ...(handle === undefined ? {} : { handle }), comment, counter, spec });
  }
}

export function isForeign(spec: RuleSpec | ForeignRule): spec is ForeignRule {
  return 'foreign' in spec;
}
