// A chain as a transaction sees it while its commands are laid out: rules in the kernel by handle, rules of the same batch
// by their NFTA_RULE_ID. Rule numbers and rule texts are resolved against this.
import { acceptable } from '../../nftables/expressions/acceptable.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { RuleDump } from '../../nftables/installed-rule.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { sameRule } from '../xt-compare.ts';
import type { XtRule } from '../xt-rule.ts';
import { readExpressions, readRow } from './decode.ts';
import { ruleExpressions } from './encode.ts';
import { holdsAll, needlesOf } from './needles.ts';

/** A rule's place: in the kernel, or in this batch. */
export type Entry =
  | { readonly handle: bigint; readonly row: number }
  | { readonly id: number; readonly expressions: readonly AnyExpression[] };

export class ChainState {
  readonly #bytes: BytesContext;
  readonly #dump: RuleDump | undefined;
  readonly entries: Entry[];

  /** Without a dump: a chain that begins empty. */
  constructor(bytes: BytesContext, dump?: RuleDump) {
    this.#bytes = bytes;
    this.#dump = dump;
    this.entries = dump === undefined ? [] : Array.from(dump.reply.handles, (handle, row) => ({ handle, row }));
  }

  /** The place of the first rule that is the same, or -1. A foreign rule is none. */
  find(wanted: XtRule): number {
    const { family } = this.#bytes;
    // The kernel holds what was written, and some of a rule is lost in native expressions: two tcp matches become one, 86401/day is 1/second.
    const written = readExpressions(family, ruleExpressions(wanted)) ?? wanted;
    const needles = needlesOf(written);
    return this.entries.findIndex((entry) => {
      const rule = 'id' in entry ? readExpressions(family, entry.expressions) : this.#read(entry.row, needles);
      return rule !== undefined && sameRule(rule, written, this.#bytes);
    });
  }

  /** A rule's expressions as they can be written again, and what is kept beside them. */
  content(entry: Entry): { readonly expressions: readonly AnyExpression[]; readonly userdata?: Uint8Array | undefined } {
    if ('id' in entry) return { expressions: entry.expressions };
    const { row } = entry;
    return { expressions: (this.#dump?.expressions(row) ?? []).map(acceptable), userdata: this.#dump?.userdata(row) };
  }

  /** The rule of a row that may be the wanted one. */
  #read(row: number, needles: readonly Buffer[]): XtRule | undefined {
    if (this.#dump === undefined) return undefined;
    const { start, end } = this.#dump.message(row);
    return holdsAll(this.#dump.bytes.subarray(start, end), needles) ? readRow(this.#bytes.family, this.#dump, row) : undefined;
  }
}
