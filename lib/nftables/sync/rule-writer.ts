// A rule that comes, with the anonymous sets and chains that are its own: these come right before it, named by ids of the transaction.
import type { AnyExpression } from '../expressions/expression.ts';
import { chainTable } from '../objects/chain.ts';
import * as m from '../objects/messages.ts';
import { ruleTable } from '../objects/rule.ts';
import type { PortableChain, PortableRule, PortableSet } from '../portable.ts';
import { chainAsTaken, expressionsAsTaken, ruleContent } from '../taken.ts';
import { isAnonymous } from './content.ts';
import { referenceOf } from './references.ts';
import type { TableWriter } from './table-writer.ts';

/** A chain by its name, or by the id of a new one without. */
export type RulePlace = (
  | {
      readonly chain: string;
      /** The rule it comes before; absent: it comes last. */
      readonly position?: bigint;
    }
  | { readonly chainId: number }
) & { readonly index: number };

export class RuleWriter {
  readonly #table: TableWriter;

  constructor(table: TableWriter) {
    this.#table = table;
  }

  write({ expressions, userdata }: PortableRule, { index, ...place }: RulePlace): void {
    const { plan, writer, counters } = this.#table;
    const list = expressionsAsTaken(expressions, counters).map((e) => this.#tied(e));
    const rule = { table: plan.name, ...place, ...ruleContent(plan.family, list, userdata) };
    const about = { ...('chain' in place ? { chain: place.chain } : {}), index };
    const flags = m.NLM_F_CREATE | ('position' in place ? 0 : m.NLM_F_APPEND);
    this.#table.emit(m.NFT_MSG_NEWRULE, flags, 'rule', about, () => ruleTable.encode(writer, rule));
  }

  #tied(e: AnyExpression): AnyExpression {
    const reference = referenceOf(e);
    const { content } = this.#table.plan;
    if (reference?.to === 'set') {
      const set = content.anonymousSet(reference.name);
      return set === undefined ? e : { ...e, ...this.#set(set) };
    }
    if (reference?.to === 'chain') {
      const chain = content.boundChain(reference.name);
      if (chain === undefined) return e;
      const { chain: _, ...verdict } = e['data'] as { readonly chain?: string };
      return { ...e, data: { ...verdict, chainId: this.#chain(chain) } };
    }
    return e;
  }

  #set({ attributes, elements }: PortableSet): { readonly set: string; readonly setId: number } {
    const { name = '' } = attributes;
    // The kernel numbers these; a meter has a name that is shown.
    const set = isAnonymous(attributes) ? name.replace(/^__(set|map)\d+$/, '__$1%d') : name;
    const target = { set, setId: this.#table.set(set, attributes) };
    this.#table.allElements(attributes, elements, target);
    return target;
  }

  #chain({ attributes, rules }: PortableChain): number {
    const { plan, writer } = this.#table;
    const chainId = this.#table.ids.next();
    const { name: _, ...chain } = chainAsTaken(attributes, false);
    const encode = (): void => chainTable.encode(writer, { ...chain, table: plan.name, id: chainId });
    this.#table.emit(m.NFT_MSG_NEWCHAIN, m.NLM_F_CREATE | m.NLM_F_EXCL, 'chain', {}, encode);
    let index = 0;
    for (const rule of rules) this.write(rule, { chainId, index: index++ });
    return chainId;
  }
}
