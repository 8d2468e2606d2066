// A chain as a transaction sees it while its commands are laid out: rules in the kernel by handle, rules of the same batch
// by their NFTA_RULE_ID. Rule numbers and rule texts are resolved against this.
import type { RuleDump } from '../../nftables/installed-rule.ts';
import type { BytesContext } from '../extensions/codec.ts';
import type { RuleSpec } from '../rule-spec.ts';
import { fromXt } from '../xt-convert.ts';
import type { CompatContext } from './context.ts';
import { readExpressions } from './decode.ts';

/** A rule's place: in the kernel, or in this batch. */
export type Entry = { readonly handle: bigint; readonly row: number } | { readonly id: number; readonly identity: string };

export class ChainState {
  readonly #context: CompatContext;
  readonly #bytes: BytesContext;
  readonly #dump: RuleDump;
  readonly #identities = new Map<number, string | undefined>();
  readonly entries: Entry[];

  constructor(context: CompatContext, bytes: BytesContext, dump: RuleDump) {
    this.#context = context;
    this.#bytes = bytes;
    this.#dump = dump;
    this.entries = Array.from(dump.reply.handles, (handle, row) => ({ handle, row }));
  }

  /** The place of the first rule that is `spec`, or -1. */
  find(spec: RuleSpec): number {
    const wanted = this.#context.identity(spec, this.#bytes);
    return this.entries.findIndex((entry) => ('id' in entry ? entry.identity : this.#identity(entry.row)) === wanted);
  }

  /** Undefined for a foreign rule: no text stands for it. */
  #identity(row: number): string | undefined {
    if (!this.#identities.has(row)) this.#identities.set(row, identityOf(this.#context, this.#bytes, this.#dump, row));
    return this.#identities.get(row);
  }
}

export function identityOf(context: CompatContext, bytes: BytesContext, dump: RuleDump, row: number): string | undefined {
  const rule = readExpressions(context.family, dump.expressions(row));
  return rule === undefined ? undefined : context.identity(fromXt(rule, bytes), bytes);
}
