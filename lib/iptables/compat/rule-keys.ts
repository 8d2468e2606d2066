// Keys of rules as nf_tables holds them.
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import type { KeyMaker } from '../sync/desired-keys.ts';
import { KeyWriter, LooseContext } from '../sync/rule-key.ts';
import { toXt } from '../xt-convert.ts';
import type { XtRule } from '../xt-rule.ts';
import { readExpressions } from './decode.ts';
import { ruleExpressions } from './encode.ts';
import { commentMatch, nativeMatches } from './native-matches.ts';
import { nativeTargets } from './native-targets.ts';

const newest = (): number => Number.POSITIVE_INFINITY;

/** Keys of desired rules: no kernel is asked. */
export class CompatKeys implements KeyMaker {
  readonly backend = 'nft';
  readonly family: IpFamily;
  readonly #context: LooseContext;
  readonly #writer: KeyWriter;

  constructor(family: IpFamily) {
    this.family = family;
    this.#context = new LooseContext(family, 'nft');
    this.#writer = new KeyWriter(this.#context, 'nft');
  }

  ofSpec(spec: RuleSpec): string {
    return this.ofXt(toXt(spec, this.#context.begin(), newest));
  }
  /** Some of a rule is lost in native expressions: two tcp matches become one, 86401/day is 1/second. */
  ofXt(rule: XtRule): string {
    const loses = rule.matches.some((m) => nativeMatches.has(m.name)) || isNativeTarget(rule.target);
    return this.#writer.key((loses ? readExpressions(rule.family, ruleExpressions(rule)) : undefined) ?? rule);
  }
}

function isNativeTarget(target: XtRule['target']): boolean {
  return target !== undefined && 'name' in target && nativeTargets.has(target.name);
}

/** The key of a rule in the kernel; undefined: iptables has no words for it. `comment`: nft's own, kept beside the expressions. */
export function keyOfKernel(
  writer: KeyWriter,
  family: IpFamily,
  expressions: readonly AnyExpression[],
  comment: string | undefined,
): string | undefined {
  const rule = readExpressions(family, expressions);
  if (rule === undefined) return undefined;
  return writer.key(comment === undefined ? rule : { ...rule, matches: [...rule.matches, commentMatch(comment)] });
}
