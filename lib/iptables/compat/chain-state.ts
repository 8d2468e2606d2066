// A chain as a transaction sees it while its commands are laid out: rules in the kernel by handle, rules of the same batch
// by their NFTA_RULE_ID. Rule numbers and rule texts are resolved against this.
import type { RuleDump } from '../../nftables/installed-rule.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { sameRule } from '../xt-compare.ts';
import type { XtRule } from '../xt-rule.ts';
import { readExpressions } from './decode.ts';

/** A rule's place: in the kernel, or in this batch. */
export type Entry = { readonly handle: bigint; readonly row: number } | { readonly id: number; readonly rule: XtRule };

export class ChainState {
  readonly #bytes: BytesContext;
  readonly #dump: RuleDump;
  readonly entries: Entry[];

  constructor(bytes: BytesContext, dump: RuleDump) {
    this.#bytes = bytes;
    this.#dump = dump;
    this.entries = Array.from(dump.reply.handles, (handle, row) => ({ handle, row }));
  }

  /** The place of the first rule that is the same, or -1. A foreign rule is none. */
  find(wanted: XtRule): number {
    return this.entries.findIndex((entry) => {
      const rule = 'id' in entry ? entry.rule : readExpressions(this.#bytes.family, this.#dump.expressions(entry.row));
      return rule !== undefined && sameRule(rule, wanted, this.#bytes);
    });
  }
}
