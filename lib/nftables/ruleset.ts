// A picture as users see it: tables, chains, rules, sets, objects, decoded when looked at.
import { commentMatches, placed } from '../model/filter.ts';
import type { Chain, Counter, Family, NamedObject, Place, Ruleset, SetObject, Table } from '../model/ruleset.ts';
import { jsonSafe } from '../wire/json.ts';
import { partsByTable, type TableParts } from './by-table.ts';
import { DumpedRule, type NftRule, type RuleDump } from './installed-rule.ts';
import type { ChainAttributes } from './objects/chain.ts';
import { type Flowtable, flowtableModel } from './objects/flowtable.ts';
import { hookName } from './objects/hooks.ts';
import { objectModel } from './objects/object.ts';
import type { TableAttributes } from './objects/table.ts';
import { commentOf } from './objects/userdata.ts';
import { type Decoded, elementsOf, type Picture } from './picture.ts';
import { setModel } from './sets/model.ts';

export class NftRuleset implements Ruleset<NftRule> {
  readonly backend = 'nft';
  readonly generation: number;
  readonly tables: readonly NftTable[];
  readonly #picture: Picture;

  /** @internal */
  constructor(picture: Picture) {
    this.generation = picture.generation;
    this.#picture = picture;
    const parts = partsByTable(picture);
    this.tables = picture.tables.map((d) => new NftTable(d, parts(d.family, d.attributes.name ?? ''), picture.rules));
  }

  /** @internal What restore works from. */
  get picture(): Picture {
    return this.#picture;
  }

  table(family: Family, name: string): NftTable | undefined {
    return this.tables.find((t) => t.family === family && t.name === name);
  }

  *rules(where: Partial<Place> & { readonly comment?: string | RegExp } = {}): IterableIterator<NftRule> {
    for (const rows of this.#picture.rules.chains) {
      if (!placed(rows, where)) continue;
      for (let row = rows.start; row < rows.end; row++) {
        const rule = new DumpedRule(this.#picture.rules, row);
        if (where.comment === undefined || commentMatches(rule.comment, where.comment)) yield rule;
      }
    }
  }

  /** All that `restore` needs, beside what people read: `attributes` are the kernel's own, `elements` of sets too. */
  toJSON(): unknown {
    const { backend, generation, tables } = this;
    return jsonSafe({ backend, generation, tables });
  }
}

export class NftTable implements Table<NftRule> {
  readonly family: Family;
  readonly name: string;
  readonly handle: bigint;
  readonly flags?: readonly string[];
  readonly comment?: string;
  readonly chains: readonly NftChain[];
  readonly #attributes: TableAttributes;
  readonly #parts: TableParts;

  constructor(d: Decoded<TableAttributes>, parts: TableParts, rules: RuleDump) {
    const a = d.attributes;
    this.#attributes = a;
    this.#parts = parts;
    this.family = d.family;
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    if (a.flags !== undefined && a.flags.length > 0) this.flags = a.flags.map(String);
    const comment = commentOf(a.userdata);
    if (comment !== undefined) this.comment = comment;
    this.chains = parts.chains.map((c) => new NftChain(d.family, c, rules, parts.rows.get(c.name ?? '')));
  }

  get sets(): readonly SetObject[] {
    return this.#parts.sets.map(({ attributes, elements }) =>
      setModel(this.family, attributes, elements === undefined ? undefined : [...elementsOf(elements)]),
    );
  }
  get objects(): readonly NamedObject[] {
    return this.#parts.objects.map((o) => objectModel(this.family, o));
  }
  get flowtables(): readonly Flowtable[] {
    return this.#parts.flowtables.map((f) => flowtableModel(this.family, f));
  }

  toJSON(): unknown {
    const { family, name, handle, flags, comment, chains } = this;
    return jsonSafe({
      family,
      name,
      handle,
      flags,
      comment,
      attributes: this.#attributes,
      chains,
      sets: this.#parts.sets.map(({ attributes, elements }) => ({
        ...setModel(family, attributes),
        attributes,
        ...(elements === undefined ? {} : { elements: [...elementsOf(elements)] }),
      })),
      objects: this.#parts.objects.map((o) => ({ ...objectModel(family, o), attributes: o })),
      flowtables: this.#parts.flowtables.map((f) => ({ ...flowtableModel(family, f), attributes: f })),
    });
  }

  chain(name: string): NftChain | undefined {
    return this.chains.find((c) => c.name === name);
  }
}

export class NftChain implements Chain<NftRule> {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly handle: bigint;
  readonly type?: string;
  readonly hook?: string;
  readonly prio?: number;
  readonly policy?: 'accept' | 'drop';
  readonly dev?: readonly string[];
  readonly anonymous?: true;
  readonly counter?: Counter;
  readonly references: number;
  readonly comment?: string;
  readonly #attributes: ChainAttributes;
  readonly #dump: RuleDump;
  readonly #rows: { readonly start: number; readonly end: number };
  #rules: readonly NftRule[] | undefined;

  constructor(
    family: Family,
    a: ChainAttributes,
    rules: RuleDump,
    rows: { readonly start: number; readonly end: number } = { start: 0, end: 0 },
  ) {
    this.#attributes = a;
    this.family = family;
    this.table = a.table ?? '';
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    this.#dump = rules;
    this.#rows = rows;
    // The kernel's use count holds the chain's own rules too.
    this.references = Math.max(0, (a.use ?? 0) - (rows.end - rows.start));
    if (a.type !== undefined) this.type = a.type;
    if (a.hook?.hooknum !== undefined) this.hook = hookName(family, a.hook.hooknum);
    if (a.hook?.priority !== undefined) this.prio = a.hook.priority;
    if (a.policy === 'accept' || a.policy === 'drop') this.policy = a.policy;
    const dev = a.hook?.devs ?? (a.hook?.dev === undefined ? undefined : [a.hook.dev]);
    if (dev !== undefined) this.dev = dev;
    if (a.flags?.includes('binding') === true) this.anonymous = true;
    if (a.counters !== undefined) this.counter = { packets: a.counters.packets ?? 0n, bytes: a.counters.bytes ?? 0n };
    const comment = commentOf(a.userdata);
    if (comment !== undefined) this.comment = comment;
  }

  get rules(): readonly NftRule[] {
    const { start, end } = this.#rows;
    this.#rules ??= Array.from({ length: end - start }, (_, i) => new DumpedRule(this.#dump, start + i));
    return this.#rules;
  }

  toJSON(): unknown {
    const { family, table, name, handle, type, hook, prio, policy, dev, counter, references, comment, rules } = this;
    const attributes = this.#attributes;
    return jsonSafe({ family, table, name, handle, type, hook, prio, policy, dev, counter, references, comment, attributes, rules });
  }
}
