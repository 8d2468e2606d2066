// A table's plan as messages: what goes before what comes, each in the order in which nothing refers to what isn't there. What goes frees its name
// in the transaction at once, so what is made anew comes under it again.
import { NetfilterError } from '../../errors.ts';
import { EncodeError } from '../../wire/errors.ts';
import type { Batch } from '../batch.ts';
import { chainTable } from '../objects/chain.ts';
import type { ElementAttributes } from '../objects/element.ts';
import { flowtableTable } from '../objects/flowtable.ts';
import * as m from '../objects/messages.ts';
import { type ObjectAttributes, objectTable } from '../objects/object.ts';
import { ruleTable } from '../objects/rule.ts';
import { type SetAttributes, setTable } from '../objects/set.ts';
import { tableTable } from '../objects/table.ts';
import type { PortableRule } from '../portable.ts';
import { ElementMessages } from '../sets/element-messages.ts';
import { chainAsTaken, elementAsTaken, elementKey, hasEnds, objectAsTaken, setAsTaken, tableAsTaken, wholeRanges } from '../taken.ts';
import { isDynamic } from './content.ts';
import type { Item } from './elements.ts';
import { type ChainPlan, isGone, isMade, type Part, type SetPlan, type TablePlan } from './parts.ts';
import { refreshedParts, refreshesInPlace } from './refresh.ts';
import { type RulePlace, RuleWriter } from './rule-writer.ts';

const NEW = m.NLM_F_CREATE | m.NLM_F_EXCL;

/** What a transaction names its own new sets and chains by. */
export class BatchIds {
  #last = 0;
  next(): number {
    return ++this.#last;
  }
}

export class TableWriter {
  readonly #batch: Batch;
  readonly #plan: TablePlan;
  readonly #ids: BatchIds;
  readonly #family: number;
  readonly #counters: boolean;

  constructor(batch: Batch, plan: TablePlan, ids: BatchIds, counters: boolean) {
    this.#batch = batch;
    this.#plan = plan;
    this.#ids = ids;
    this.#family = m.familyNumber(plan.family);
    this.#counters = counters;
  }

  get ids(): BatchIds {
    return this.#ids;
  }
  get plan(): TablePlan {
    return this.#plan;
  }
  get counters(): boolean {
    return this.#counters;
  }

  write(): void {
    const { how } = this.#plan;
    if (isGone(this.#plan)) this.#table(m.NFT_MSG_DELTABLE, 0, { name: this.#plan.name });
    else if (how !== 'add') this.#deletions();
    if (how === 'delete') return;
    if (isMade(this.#plan)) this.#table(m.NFT_MSG_NEWTABLE, NEW, this.#attributes());
    this.#additions(how === 'keep' || how === 'change');
  }

  #attributes(): Parameters<typeof tableTable.encode>[1] {
    return { ...tableAsTaken(this.#plan.will?.attributes ?? {}), name: this.#plan.name };
  }

  #table(type: number, flags: number, attributes: Parameters<typeof tableTable.encode>[1]): void {
    this.emit(type, flags, 'table', {}, () => tableTable.encode(this.#batch.writer, attributes));
  }

  /** Rules first: with them go the anonymous sets and chains that are theirs. */
  #deletions(): void {
    const { chains, sets, objects, flowtables } = this.#plan;
    for (const chain of chains) this.#deleteRules(chain);
    for (const set of sets) if (set.how === 'keep') this.#deleteElements(set);
    for (const { name } of sets.filter(isGone)) this.#delete(m.NFT_MSG_DELSET, 'set', name);
    for (const o of objects.filter(isGone)) this.#delete(m.NFT_MSG_DELOBJ, 'object', o.name, o.was);
    for (const { name } of flowtables.filter(isGone)) this.#delete(m.NFT_MSG_DELFLOWTABLE, 'flowtable', name);
    for (const chain of chains.filter(isGone)) if (!goesLast(chain)) this.#delete(m.NFT_MSG_DELCHAIN, 'chain', chain.name);
  }

  #additions(there: boolean): void {
    const { chains, sets, objects, flowtables, how } = this.#plan;
    const table = this.#plan.name;
    for (const o of objects) if (isMade(o) || o.how === 'change') this.#object(o);
    for (const { name, will } of flowtables.filter(isMade)) {
      const { handle: _1, use: _2, ...f } = will ?? {};
      this.emit(m.NFT_MSG_NEWFLOWTABLE, NEW, 'flowtable', { name }, () => flowtableTable.encode(this.#batch.writer, { ...f, table, name }));
    }
    for (const { name, will } of sets.filter(isMade)) this.set(name, will?.attributes ?? {});
    for (const chain of chains.filter(isMade)) this.#chain(chain);
    // No base chain may come after a change of flags, and none may go before one (nf_tables_addchain, nft_table_pending_update).
    if (how === 'change') this.#table(m.NFT_MSG_NEWTABLE, 0, { name: table, flags: this.#attributes().flags ?? [] });
    if (there)
      for (const chain of chains) if (chain.how === 'delete' && goesLast(chain)) this.#delete(m.NFT_MSG_DELCHAIN, 'chain', chain.name);
    for (const chain of chains) if (chain.how === 'change') this.#changeChain(chain);
    for (const set of sets) this.#addElements(set);
    for (const chain of chains) this.#addRules(chain);
  }

  #delete(type: number, kind: keyof typeof named, name: string, o?: ObjectAttributes): void {
    const table = this.#plan.name;
    this.emit(type, 0, kind, { name }, () =>
      named[kind].encode(this.#batch.writer, { table, name, ...(o?.kind === undefined ? {} : { kind: o.kind }) }),
    );
  }

  #object({ name, how, will }: Part<ObjectAttributes>): void {
    const changed = how === 'change';
    // What it has counted it keeps.
    const o = { ...objectAsTaken(will ?? {}, this.#counters && !changed), table: this.#plan.name, name };
    this.emit(m.NFT_MSG_NEWOBJ, changed ? m.NLM_F_CREATE : NEW, 'object', { name }, () => objectTable.encode(this.#batch.writer, o));
  }

  /** The id by which the transaction names it. */
  set(name: string, attributes: SetAttributes): number {
    const id = this.#ids.next();
    const set = { ...setAsTaken(attributes), table: this.#plan.name, name, id };
    this.emit(m.NFT_MSG_NEWSET, NEW, 'set', { name }, () => setTable.encode(this.#batch.writer, set));
    return id;
  }

  #chain({ name, will }: ChainPlan): void {
    const chain = { ...chainAsTaken(will?.attributes ?? {}, this.#counters), table: this.#plan.name, name };
    this.emit(m.NFT_MSG_NEWCHAIN, NEW, 'chain', { name }, () => chainTable.encode(this.#batch.writer, chain));
  }

  /** The policy, and that it counts: what it has counted would begin anew. */
  #changeChain({ name, why, will }: ChainPlan): void {
    const { policy, counters } = chainAsTaken(will?.attributes ?? {}, false);
    const chain = {
      table: this.#plan.name,
      name,
      ...(why.includes('policy') && policy !== undefined ? { policy } : {}),
      ...(why.includes('counters') && counters !== undefined ? { counters } : {}),
    };
    this.emit(m.NFT_MSG_NEWCHAIN, 0, 'chain', { name }, () => chainTable.encode(this.#batch.writer, chain));
  }

  #deleteRules({ name: chain, was, alignment: { gone, kept } }: ChainPlan): void {
    const table = this.#plan.name;
    if (was === undefined || gone.length === 0) return;
    if (kept === 0) {
      this.emit(m.NFT_MSG_DELRULE, 0, 'rule', { chain }, () => ruleTable.encode(this.#batch.writer, { table, chain }));
      return;
    }
    for (const place of gone) {
      const handle = was.rules.handle?.(place) as bigint;
      this.emit(m.NFT_MSG_DELRULE, 0, 'rule', { chain, handle }, () => ruleTable.encode(this.#batch.writer, { table, chain, handle }));
    }
  }

  #addRules({ name: chain, how, was, will, alignment: { from } }: ChainPlan): void {
    if (how === 'delete' || will === undefined) return;
    const writer = new RuleWriter(this);
    // By place: the rule that stays and is next behind it.
    let next: bigint | undefined;
    const before: (bigint | undefined)[] = [];
    for (let place = from.length - 1; place >= 0; place--) {
      const old = from[place] as number;
      if (old >= 0) next = was?.rules.handle?.(old);
      else before[place] = next;
    }
    for (const [place, old] of from.entries()) {
      if (old >= 0) continue;
      const position = before[place];
      const at: RulePlace = { chain, index: place, ...(position === undefined ? {} : { position }) };
      writer.write(will.rules.at(place) as PortableRule, at);
    }
  }

  #deleteElements({ name, was, elements: { removed, refreshed } }: SetPlan): void {
    const attributes = was?.attributes ?? {};
    const again = refreshed.filter((pair) => !refreshesInPlace(pair)).map((pair) => pair.was);
    // What has a time to live, or what the packet path deletes, may be gone when the deletion arrives.
    const type = attributes.flags?.includes('timeout') === true || isDynamic(attributes) ? m.NFT_MSG_DESTROYSETELEM : m.NFT_MSG_DELSETELEM;
    this.#elements(type, 0, { set: name }, [...removed, ...again], ({ parts }) => parts.map(elementKey));
  }

  #addElements({ name, how, elements: { added, refreshed } }: SetPlan): void {
    if (how === 'delete') return;
    const parts = ({ parts: list }: Item): ElementAttributes[] => list.map((e) => elementAsTaken(e, this.#counters));
    this.#elements(m.NFT_MSG_NEWSETELEM, m.NLM_F_CREATE, { set: name }, added, parts);
    this.#elements(m.NFT_MSG_NEWSETELEM, m.NLM_F_CREATE, { set: name }, refreshed, (pair) =>
      refreshesInPlace(pair) ? refreshedParts(pair.will, this.#counters) : parts(pair.will),
    );
  }

  /** Of a set that is new in this transaction. */
  allElements(
    attributes: SetAttributes,
    elements: Iterable<ElementAttributes>,
    target: { readonly set: string; readonly setId: number },
  ): void {
    const list = hasEnds(attributes) ? wholeRanges(elements) : elements;
    this.#elements(m.NFT_MSG_NEWSETELEM, NEW, target, list, (e) => [elementAsTaken(e, this.#counters)]);
  }

  #elements<T>(
    type: number,
    flags: number,
    target: { readonly set: string; readonly setId?: number },
    list: Iterable<T>,
    parts: (one: T) => readonly ElementAttributes[],
  ): void {
    const header = { type, flags, family: this.#family };
    const about = this.#named('element', { name: target.set });
    const messages = new ElementMessages(
      this.#batch.writer,
      { ...target, table: this.#plan.name },
      () => void this.#batch.push(header, about),
    );
    this.#judged('element', target.set, () => {
      let index = 0;
      for (const one of list) messages.add(index++, ...parts(one));
      messages.end();
    });
  }

  emit(type: number, flags: number, kind: string, about: Readonly<Record<string, unknown>>, encode: () => void): void {
    this.#judged(kind, String(about['name'] ?? about['chain'] ?? ''), encode);
    this.#batch.push({ type, flags, family: this.#family }, this.#named(kind, about));
  }

  get writer(): Batch['writer'] {
    return this.#batch.writer;
  }

  #named(kind: string, about: Readonly<Record<string, unknown>>): { readonly verb: string; readonly object: unknown } {
    const { family, name } = this.#plan;
    return { verb: 'sync', object: { [kind]: kind === 'table' ? { family, name } : { family, table: name, ...about } } };
  }

  #judged(kind: string, name: string, encode: () => void): void {
    try {
      encode();
    } catch (err) {
      if (!(err instanceof EncodeError)) throw err;
      const text = `sync: ${kind} ${this.#plan.family} ${this.#plan.name} ${name}: ${err.message}; nothing was sent`;
      throw new NetfilterError(text, { code: 'ERR_INVALID_ARG', cause: err });
    }
  }
}

/** By kind, what names a thing that goes. */
const named = { set: setTable, object: objectTable, flowtable: flowtableTable, chain: chainTable } as unknown as Readonly<
  Record<'set' | 'object' | 'flowtable' | 'chain', { encode(w: Batch['writer'], value: object): void }>
>;

/** A base chain whose name nobody takes. */
function goesLast({ how, was }: ChainPlan): boolean {
  return how === 'delete' && was?.attributes.hook !== undefined;
}
