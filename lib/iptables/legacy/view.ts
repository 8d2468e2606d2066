// A legacy table as one read has found it, for who compares. The kernel tells no changes: what a read has in common with the one before is not
// decoded again.

import type { RuleContext } from '../context.ts';
import type { ForeignRule } from '../rule-spec.ts';
import type { MirrorChain } from '../sync/mirror.ts';
import { foreignKey, KeyWriter, refersToSets } from '../sync/rule-key.ts';
import type { TableHistory, TableState } from '../sync/state.ts';
import { TABLE_ABSENT } from './commit.ts';
import { foreignEntry } from './installed.ts';
import type { LegacyChain, LegacyTable } from './table.ts';

export class LegacyChainView implements MirrorChain {
  readonly name: string;
  readonly builtin: boolean;
  readonly policy: 'ACCEPT' | 'DROP' | undefined;
  readonly #view: LegacyView;
  readonly #chain: LegacyChain;
  #keys: readonly string[] | undefined;

  constructor(view: LegacyView, chain: LegacyChain) {
    this.#view = view;
    this.#chain = chain;
    this.name = chain.name;
    this.builtin = chain.hook !== undefined;
    this.policy = chain.policy === undefined ? undefined : chain.policy === 'drop' ? 'DROP' : 'ACCEPT';
  }
  get keys(): readonly string[] {
    const { start, end } = this.#chain;
    this.#keys ??= Array.from({ length: end - start }, (_, i) => this.#view.key(start + i));
    return this.#keys;
  }
  foreign(place: number): ForeignRule {
    return this.#view.foreign(this.row(place));
  }
  /** Of the table. */
  row(place: number): number {
    return this.#chain.start + place;
  }
}

const NOTHING: ReadonlySet<string> = new Set();

/** Of a table that is another view when it has changed. Whoever keeps it does not keep the view. */
function ofOneView(): TableHistory {
  return { mark: 0, since: () => NOTHING };
}

export class LegacyView implements TableState<LegacyChainView> {
  readonly history: TableHistory = ofOneView();
  readonly #table: LegacyTable | undefined;
  readonly #writer: KeyWriter;
  /** By content: keys of rules that an earlier read had too. */
  readonly #known: Map<bigint, string>;
  #hasSets = false;
  readonly #byName = new Map<string, LegacyChainView>();

  constructor(table: LegacyTable | undefined, context: RuleContext, before?: LegacyView) {
    this.#table = table;
    this.#known = before === undefined ? new Map() : before.#stillThere(table);
    this.#writer = new KeyWriter(context.bytes(), 'legacy');
    for (const chain of table?.chains ?? []) this.#byName.set(chain.name, new LegacyChainView(this, chain));
  }

  /** The keys, without most of those that no rule has any more. */
  #stillThere(table: LegacyTable | undefined): Map<bigint, string> {
    if (table === undefined || this.#known.size <= 2 * table.length) return this.#known;
    const there = new Set(table.contents);
    return new Map([...this.#known].filter(([content]) => there.has(content)));
  }

  get exists(): boolean {
    return this.#table !== undefined;
  }
  get chains(): ReadonlyMap<string, LegacyChainView> {
    return this.#byName;
  }
  /** What the commit expects to find. */
  get expected(): Uint8Array {
    return this.#table?.digest ?? TABLE_ABSENT;
  }
  /** Of the table, for the next read; none where rules name sets: their numbers may have become other sets' since. */
  get digest(): Uint8Array | undefined {
    return this.#hasSets ? undefined : this.#table?.digest;
  }
  foreign(row: number): ForeignRule {
    const table = this.#table as LegacyTable;
    return foreignEntry(table.entry(row));
  }

  /** @internal */
  key(row: number): string {
    const table = this.#table as LegacyTable;
    const content = table.contents[row] as bigint;
    let key = this.#known.get(content);
    if (key === undefined) {
      const rule = table.rule(row);
      key = rule === undefined ? foreignKey(String(content)) : this.#writer.key(rule);
      if (rule !== undefined && refersToSets(rule)) this.#hasSets = true;
      else this.#known.set(content, key);
    }
    return key;
  }
}
