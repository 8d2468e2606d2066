// A ruleset without what belongs to one kernel: handles, use counts, generation. Made from a picture or from its JSON, and
// written by restore.
import { NetfilterError } from '../errors.ts';
import type { Family } from '../model/ruleset.ts';
import type { NativeDumpReply } from '../native.ts';
import { readMessage } from '../wire/attributes.ts';
import { partsByTable } from './by-table.ts';
import type { AnyExpression } from './expressions/expression.ts';
import { expressionTables } from './expressions/index.ts';
import type { RuleDump } from './installed-rule.ts';
import { type ChainAttributes, chainTable } from './objects/chain.ts';
import { type ElementAttributes, elementTable } from './objects/element.ts';
import { type FlowtableAttributes, flowtableTable } from './objects/flowtable.ts';
import { type ObjectAttributes, objectTable } from './objects/object.ts';
import { type SetAttributes, setTable } from './objects/set.ts';
import { type TableAttributes, tableTable } from './objects/table.ts';
import { countElements, elementsOf, type Picture } from './picture.ts';
import { NftRuleset } from './ruleset.ts';

export interface PortableRule {
  readonly expressions: readonly AnyExpression[];
  readonly userdata?: Uint8Array;
}
/** Rules in order, read as they are asked for. */
export interface RuleList extends Iterable<PortableRule> {
  readonly length: number;
  at(place: number): PortableRule | undefined;
  /** Of rules that a kernel holds. */
  handle?(place: number): bigint;
  /** Of rules that were dumped, what they are but for counters: equal where two are the same. */
  content?(place: number): bigint;
}
export interface PortableChain {
  readonly attributes: ChainAttributes;
  readonly rules: RuleList;
}
export interface PortableSet {
  readonly attributes: SetAttributes;
  readonly elements: Iterable<ElementAttributes>;
}
export interface PortableTable {
  readonly family: Family;
  readonly attributes: TableAttributes;
  readonly chains: readonly PortableChain[];
  readonly sets: readonly PortableSet[];
  readonly objects: readonly ObjectAttributes[];
  readonly flowtables: readonly FlowtableAttributes[];
}

/** A snapshot, or its JSON; `what` is done with it. */
export function portableTables(ruleset: unknown, what: string): PortableTable[] {
  if (ruleset instanceof NftRuleset) return fromPicture(ruleset.picture, what);
  try {
    return fromJson(ruleset);
  } catch (err) {
    if (!(err instanceof NoSnapshot)) throw err;
    const text = `${what}: ${err.message}: not the JSON of a snapshot; nothing was sent`;
    throw new NetfilterError(text, { code: 'ERR_INVALID_ARG', cause: err });
  }
}

/** Elements and rules are decoded as they are asked for. */
export function fromPicture(picture: Picture, what: string): PortableTable[] {
  if (picture.elements === undefined) {
    throw new NetfilterError(`${what}: this snapshot was taken without elements; its sets cannot be made again`, {
      code: 'ERR_INVALID_ARG',
    });
  }
  const parts = partsByTable(picture);
  return picture.tables.map(({ family, attributes }) => {
    const { chains, rows, sets, objects, flowtables } = parts(family, attributes.name ?? '');
    return {
      family,
      attributes,
      chains: chains.map((c) => ({ attributes: c, rules: new PictureRules(picture.rules, rows.get(c.name ?? '')) })),
      sets: sets.map((set) => ({ attributes: set.attributes, elements: new PictureElements(set.elements) })),
      objects,
      flowtables,
    };
  });
}

/** The rules of a chain as they were dumped. */
export class PictureRules implements RuleList {
  readonly #dump: RuleDump;
  readonly #start: number;
  readonly length: number;

  constructor(dump: RuleDump, rows: { readonly start: number; readonly end: number } | undefined) {
    this.#dump = dump;
    this.#start = rows?.start ?? 0;
    this.length = rows === undefined ? 0 : rows.end - rows.start;
  }

  at(place: number): PortableRule {
    const row = this.#start + place;
    const userdata = this.#dump.userdata(row);
    return { expressions: this.#dump.expressions(row), ...(userdata === undefined ? {} : { userdata }) };
  }
  handle(place: number): bigint {
    return this.#dump.reply.handles[this.#start + place] as bigint;
  }
  content(place: number): bigint {
    return this.#dump.reply.contents[this.#start + place] as bigint;
  }
  *[Symbol.iterator](): Generator<PortableRule> {
    for (let place = 0; place < this.length; place++) yield this.at(place);
  }
}

/** The elements of a set as they were dumped. */
export class PictureElements implements Iterable<ElementAttributes> {
  readonly #dumped: NativeDumpReply | undefined;

  constructor(dumped: NativeDumpReply | undefined) {
    this.#dumped = dumped;
  }
  *[Symbol.iterator](): Generator<ElementAttributes> {
    if (this.#dumped !== undefined) yield* elementsOf(this.#dumped);
  }

  /** Whether others were dumped byte for byte alike, as a set is that nothing has happened to. False where that isn't known. */
  isDumpedAs(other: PictureElements): boolean {
    const [a, b] = [this.#dumped, other.#dumped];
    if (a === undefined || b === undefined || a.index.length !== b.index.length) return false;
    const [bytes, others] = [Buffer.from(a.data), Buffer.from(b.data)];
    return a.index.every((at, i) => {
      const [one, two] = [readMessage(bytes, at), readMessage(others, b.index[i] as number)];
      return bytes.compare(others, two.start, two.end, one.start, one.end) === 0;
    });
  }
  /** How many there are, without decoding any. */
  get count(): number {
    return this.#dumped === undefined ? 0 : countElements(this.#dumped);
  }
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON of a snapshot (NftRuleset.toJSON). What is not one is refused naming the place. */
function fromJson(json: unknown): PortableTable[] {
  return listIn(objectAt(json, 'snapshot'), 'tables', 'snapshot').map((t, i) => {
    const at = `tables[${i}]`;
    const table = objectAt(t, at);
    return {
      family: table['family'] as Family,
      attributes: tableTable.revive(objectAt(table['attributes'], `${at}.attributes`)),
      chains: listIn(table, 'chains', at).map((c, j) => {
        const chain = objectAt(c, `${at}.chains[${j}]`);
        return {
          attributes: chainTable.revive(objectAt(chain['attributes'], `${at}.chains[${j}].attributes`)),
          rules: listIn(chain, 'rules', `${at}.chains[${j}]`).map((r, k) =>
            reviveRule(objectAt(r, `${at}.chains[${j}].rules[${k}]`), `${at}.chains[${j}].rules[${k}]`),
          ),
        };
      }),
      sets: listIn(table, 'sets', at).map((s, j) => {
        const set = objectAt(s, `${at}.sets[${j}]`);
        return {
          attributes: setTable.revive(objectAt(set['attributes'], `${at}.sets[${j}].attributes`)),
          elements: listIn(set, 'elements', `${at}.sets[${j}]`).map((e, k) =>
            elementTable.revive(objectAt(e, `${at}.sets[${j}].elements[${k}]`)),
          ),
        };
      }),
      objects: listIn(table, 'objects', at).map((o, j) =>
        objectTable.revive(objectAt(objectAt(o, at)['attributes'], `${at}.objects[${j}].attributes`)),
      ),
      flowtables: listIn(table, 'flowtables', at).map((f, j) =>
        flowtableTable.revive(objectAt(objectAt(f, at)['attributes'], `${at}.flowtables[${j}].attributes`)),
      ),
    };
  });
}

function reviveRule(rule: Json, at: string): PortableRule {
  const { userdata } = rule;
  return {
    expressions: expressionTables.list.revive?.(listIn(rule, 'expressions', at)) ?? [],
    ...(typeof userdata === 'string' ? { userdata: new Uint8Array(Buffer.from(userdata, 'base64')) } : {}),
  };
}

class NoSnapshot extends Error {}

function objectAt(value: unknown, at: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new NoSnapshot(`${at} is no object`);
}

function listIn(object: Json, key: string, at: string): readonly unknown[] {
  const value = object[key];
  if (Array.isArray(value)) return value;
  throw new NoSnapshot(`${at}.${key} is no list`);
}
