// A picture as users see it: tables, chains, rules, sets, objects, decoded when looked at.
import { commentMatches, placed } from '../model/filter.ts';
import { jsonSafe } from '../model/json.ts';
import type { Chain, Counter, Family, NamedObject, Place, Ruleset, SetObject, Table } from '../model/ruleset.ts';
import { DumpedRule, type NftRule, type RuleDump } from './installed-rule.ts';
import type { ChainAttributes } from './objects/chain.ts';
import type { ElementAttributes } from './objects/element.ts';
import { type Flowtable, flowtableModel } from './objects/flowtable.ts';
import { hookName } from './objects/hooks.ts';
import { objectModel } from './objects/object.ts';
import type { SetAttributes } from './objects/set.ts';
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
    this.tables = picture.tables.map((d) => new NftTable(d, picture));
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
  readonly #picture: Picture;

  constructor(d: Decoded<TableAttributes>, picture: Picture) {
    const a = d.attributes;
    this.#attributes = a;
    this.#picture = picture;
    this.family = d.family;
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    if (a.flags !== undefined && a.flags.length > 0) this.flags = a.flags.map(String);
    const comment = commentOf(a.userdata);
    if (comment !== undefined) this.comment = comment;
    const rows = new Map(picture.rules.chains.filter((c) => c.family === d.family && c.table === a.name).map((c) => [c.chain, c]));
    this.chains = this.#mine(picture.chains).map((c) => new NftChain(c, picture.rules, rows.get(c.attributes.name ?? '')));
  }

  #mine<T extends { readonly table?: string }>(all: readonly Decoded<T>[]): Decoded<T>[] {
    return all.filter((d) => d.family === this.family && d.attributes.table === this.name);
  }

  get sets(): readonly SetObject[] {
    return this.#sets().map(([attributes, elements]) =>
      setModel(this.family, attributes, elements === undefined ? undefined : [...elements]),
    );
  }
  get objects(): readonly NamedObject[] {
    return this.#mine(this.#picture.objects).map((d) => objectModel(d.family, d.attributes));
  }
  get flowtables(): readonly Flowtable[] {
    return this.#mine(this.#picture.flowtables).map((d) => flowtableModel(d.family, d.attributes));
  }

  /** Each set with its elements, where they were read. */
  #sets(): (readonly [SetAttributes, Iterable<ElementAttributes> | undefined])[] {
    return this.#picture.sets.flatMap((d, i) => {
      if (d.family !== this.family || d.attributes.table !== this.name) return [];
      const dumped = this.#picture.elements?.[i];
      return [[d.attributes, dumped === undefined ? undefined : elementsOf(dumped)] as const];
    });
  }

  toJSON(): unknown {
    const { family, name, handle, flags, comment, chains } = this;
    return {
      family,
      name,
      handle,
      flags,
      comment,
      attributes: this.#attributes,
      chains,
      sets: this.#sets().map(([attributes, elements]) => ({
        ...setModel(family, attributes, undefined),
        attributes,
        ...(elements === undefined ? {} : { elements: [...elements] }),
      })),
      objects: this.#mine(this.#picture.objects).map((d) => ({ ...objectModel(family, d.attributes), attributes: d.attributes })),
      flowtables: this.#mine(this.#picture.flowtables).map((d) => ({ ...flowtableModel(family, d.attributes), attributes: d.attributes })),
    };
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
  readonly counter?: Counter;
  readonly references: number;
  readonly comment?: string;
  readonly #attributes: ChainAttributes;
  readonly #dump: RuleDump;
  readonly #rows: { readonly start: number; readonly end: number };
  #rules: readonly NftRule[] | undefined;

  constructor(d: Decoded<ChainAttributes>, rules: RuleDump, rows: { readonly start: number; readonly end: number } = { start: 0, end: 0 }) {
    const a = d.attributes;
    this.#attributes = a;
    this.family = d.family;
    this.table = a.table ?? '';
    this.name = a.name ?? '';
    this.handle = a.handle ?? 0n;
    this.#dump = rules;
    this.#rows = rows;
    // The kernel's use count holds the chain's own rules too.
    this.references = Math.max(0, (a.use ?? 0) - (rows.end - rows.start));
    if (a.type !== undefined) this.type = a.type;
    if (a.hook?.hooknum !== undefined) this.hook = hookName(d.family, a.hook.hooknum);
    if (a.hook?.priority !== undefined) this.prio = a.hook.priority;
    if (a.policy === 'accept' || a.policy === 'drop') this.policy = a.policy;
    const dev = a.hook?.devs ?? (a.hook?.dev === undefined ? undefined : [a.hook.dev]);
    if (dev !== undefined) this.dev = dev;
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
    return { family, table, name, handle, type, hook, prio, policy, dev, counter, references, comment, attributes, rules };
  }
}
