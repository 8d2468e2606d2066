// A picture's objects by table, grouped once: with thousands of tables, looking through all objects for each would be quadratic.
import type { Family } from '../model/ruleset.ts';
import type { NativeDumpReply } from '../native.ts';
import type { ChainRows } from './installed-rule.ts';
import type { ChainAttributes } from './objects/chain.ts';
import type { FlowtableAttributes } from './objects/flowtable.ts';
import type { ObjectAttributes } from './objects/object.ts';
import type { SetAttributes } from './objects/set.ts';
import type { Decoded, Picture } from './picture.ts';

export interface TableParts {
  readonly chains: ChainAttributes[];
  /** Where a chain's rules lie in the dump, by its name. */
  readonly rows: Map<string, ChainRows>;
  /** Each set with the dump of its elements, where that was asked for. */
  readonly sets: { readonly attributes: SetAttributes; readonly elements: NativeDumpReply | undefined }[];
  readonly objects: ObjectAttributes[];
  readonly flowtables: FlowtableAttributes[];
}

/** The parts of each table; a table without any has empty ones. */
export function partsByTable(picture: Picture): (family: Family, table: string) => TableParts {
  const groups = new Map<string, TableParts>();
  const at = (family: Family, table = ''): TableParts => {
    const key = `${family} ${table}`;
    let parts = groups.get(key);
    if (parts === undefined) groups.set(key, (parts = { chains: [], rows: new Map(), sets: [], objects: [], flowtables: [] }));
    return parts;
  };
  const of = (d: Decoded<{ readonly table?: string }>): TableParts => at(d.family, d.attributes.table);
  for (const d of picture.chains) of(d).chains.push(d.attributes);
  for (const rows of picture.rules.chains) at(rows.family, rows.table).rows.set(rows.chain, rows);
  for (const [i, d] of picture.sets.entries()) of(d).sets.push({ attributes: d.attributes, elements: picture.elements?.[i] });
  for (const d of picture.objects) of(d).objects.push(d.attributes);
  for (const d of picture.flowtables) of(d).flowtables.push(d.attributes);
  return at;
}
