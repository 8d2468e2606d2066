// A chain as a transaction sees it while its commands are laid out: rules in the kernel by handle, rules of the same batch
// by their NFTA_RULE_ID. Rule numbers and rule texts are resolved against this.
import { acceptable } from '../../nftables/expressions/acceptable.ts';
import type { AnyExpression } from '../../nftables/expressions/expression.ts';
import type { RuleDump } from '../../nftables/installed-rule.ts';
import type { BytesContext } from '../extensions/codec.ts';
import { looseKey, sameRule } from '../xt-compare.ts';
import type { XtRule } from '../xt-rule.ts';
import { readExpressions, readRow } from './decode.ts';
import { ruleExpressions } from './encode.ts';
import { messagesHolding, needlesOf } from './needles.ts';

/** A rule's place: in the kernel, or in this batch. */
export type Entry =
  | { readonly handle: bigint; readonly row: number }
  | { readonly id: number; readonly expressions: readonly AnyExpression[] };

/** Decoding a rule costs as much as looking through its message so many times. */
const SEARCHES = 100;

export class ChainState {
  readonly #bytes: BytesContext;
  readonly #dump: RuleDump | undefined;
  /** Rules that were compared: a batch that deletes many looks at them again. */
  readonly #read = new Map<Entry, XtRule | undefined>();
  #finds = 0;
  #byKey: ReadonlyMap<string, ReadonlySet<number>> | undefined;
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
    const may = this.#rowsLike(written);
    return this.entries.findIndex((entry) => {
      if ('row' in entry && may?.has(entry.row) === false) return false;
      const rule = this.#rule(entry);
      return rule !== undefined && sameRule(rule, written, this.#bytes);
    });
  }

  /** A rule's expressions as they can be written again, and what is kept beside them. */
  content(entry: Entry): { readonly expressions: readonly AnyExpression[]; readonly userdata?: Uint8Array | undefined } {
    if ('id' in entry) return { expressions: entry.expressions };
    const { row } = entry;
    return { expressions: (this.#dump?.expressions(row) ?? []).map(acceptable), userdata: this.#dump?.userdata(row) };
  }

  /** The rows that may be the rule; undefined: any. */
  #rowsLike(wanted: XtRule): ReadonlySet<number> | undefined {
    if (this.#dump === undefined) return undefined;
    if (++this.#finds <= SEARCHES) return messagesHolding(this.#dump.bytes, this.#dump.reply.index, needlesOf(wanted));
    this.#byKey ??= this.#index();
    return this.#byKey.get(looseKey(wanted)) ?? new Set();
  }

  #index(): ReadonlyMap<string, Set<number>> {
    const byKey = new Map<string, Set<number>>();
    for (const entry of this.entries) {
      const rule = 'row' in entry ? this.#rule(entry) : undefined;
      if (rule === undefined || !('row' in entry)) continue;
      const key = looseKey(rule);
      const rows = byKey.get(key);
      if (rows === undefined) byKey.set(key, new Set([entry.row]));
      else rows.add(entry.row);
    }
    return byKey;
  }

  #rule(entry: Entry): XtRule | undefined {
    if (this.#read.has(entry)) return this.#read.get(entry);
    const { family } = this.#bytes;
    const rule =
      'id' in entry
        ? readExpressions(family, entry.expressions)
        : this.#dump === undefined
          ? undefined
          : readRow(family, this.#dump, entry.row);
    this.#read.set(entry, rule);
    return rule;
  }
}
