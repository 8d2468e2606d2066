// A ruleset without what belongs to one kernel: handles, use counts, generation. Made from a picture or from its JSON, and
// written by restore.
import { NetfilterError } from '../errors.ts';
import type { Family } from '../model/ruleset.ts';
import { partsByTable } from './by-table.ts';
import type { AnyExpression } from './expressions/expression.ts';
import { expressionTables } from './expressions/index.ts';
import { type ChainAttributes, chainTable } from './objects/chain.ts';
import { type ElementAttributes, elementTable } from './objects/element.ts';
import { type FlowtableAttributes, flowtableTable } from './objects/flowtable.ts';
import { type ObjectAttributes, objectTable } from './objects/object.ts';
import { type SetAttributes, setTable } from './objects/set.ts';
import { type TableAttributes, tableTable } from './objects/table.ts';
import { elementsOf, type Picture } from './picture.ts';

export interface PortableRule {
  readonly expressions: readonly AnyExpression[];
  readonly userdata?: Uint8Array;
}
export interface PortableChain {
  readonly attributes: ChainAttributes;
  readonly rules: Iterable<PortableRule>;
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

/** Elements and rules are decoded as they are asked for. */
export function fromPicture(picture: Picture): PortableTable[] {
  if (picture.elements === undefined) {
    throw new NetfilterError('restore: this snapshot was taken without elements; its sets cannot be made again', {
      code: 'ERR_INVALID_ARG',
    });
  }
  const parts = partsByTable(picture);
  return picture.tables.map(({ family, attributes }) => {
    const { chains, rows, sets, objects, flowtables } = parts(family, attributes.name ?? '');
    return {
      family,
      attributes,
      chains: chains.map((c) => ({ attributes: c, rules: rulesOf(picture, rows.get(c.name ?? '')) })),
      sets: sets.map((set) => ({ attributes: set.attributes, elements: set.elements === undefined ? [] : elementsOf(set.elements) })),
      objects,
      flowtables,
    };
  });
}

function* rulesOf(picture: Picture, rows: { readonly start: number; readonly end: number } | undefined): Generator<PortableRule> {
  for (let row = rows?.start ?? 0; row < (rows?.end ?? 0); row++) {
    const userdata = picture.rules.userdata(row);
    yield { expressions: picture.rules.expressions(row), ...(userdata === undefined ? {} : { userdata }) };
  }
}

type Json = Readonly<Record<string, unknown>>;

/** The JSON of a snapshot (NftRuleset.toJSON). What is not one is refused naming the place. */
export function fromJson(json: unknown): PortableTable[] {
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

function objectAt(value: unknown, at: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new NetfilterError(`restore: ${at} is no object: not the JSON of a snapshot; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}

function listIn(object: Json, key: string, at: string): readonly unknown[] {
  const value = object[key];
  if (Array.isArray(value)) return value;
  throw new NetfilterError(`restore: ${at}.${key} is no list: not the JSON of a snapshot; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}
