// What a sync may touch: tables, or chains in them.
import { NetfilterError } from '../../errors.ts';
import type { Family } from '../../model/ruleset.ts';
import { familyNumber } from '../objects/messages.ts';
import type { TableName } from '../picture.ts';
import type { PortableTable } from '../portable.ts';

/** Default: the tables that the desired ruleset has, whole. */
export interface NftScope {
  /** These and no other, whole; one that the desired ruleset lacks is deleted. What it has of other tables is passed over. */
  readonly tables?: readonly TableName[];
  /**
   * In the tables only the chains of these names, or of this pattern, which is matched anywhere in the name. Everything else of a table stays; sets and
   * objects that their rules need are added where they are missing.
   */
  readonly chains?: RegExp | readonly string[];
}

export interface TableScope {
  readonly family: Family;
  readonly name: string;
  readonly desired: PortableTable | undefined;
  /** Undefined: the table is in the scope, whole. */
  readonly covers: ((chain: string) => boolean) | undefined;
}

/** Throws ERR_INVALID_ARG. */
export function resolveScope(scope: NftScope, desired: readonly PortableTable[]): readonly TableScope[] {
  if (typeof scope !== 'object' || scope === null) throw invalid('a scope is an object');
  const { tables } = scope;
  if (tables !== undefined && !Array.isArray(tables)) throw invalid('scope.tables is a list of { family, name }');
  const covers = chainPattern(scope.chains);
  const byName = new Map<string, PortableTable>();
  for (const table of desired) {
    const key = keyOf({ family: table.family, name: table.attributes.name ?? '' });
    if (byName.has(key)) throw invalid(`the desired ruleset has table ${key} twice`);
    byName.set(key, table);
  }
  const names = tables ?? desired.map(({ family, attributes }) => ({ family, name: attributes.name ?? '' }));
  return [...new Map(names.map((t) => [keyOf(t), t]))].map(([key, { family, name }]) => ({
    family,
    name,
    desired: byName.get(key),
    covers,
  }));
}

function keyOf(table: Partial<TableName> | null | undefined): string {
  const { family, name } = table ?? {};
  familyNumber(family);
  if (typeof name !== 'string' || name === '') throw invalid('a table is { family, name }');
  return `${family} ${name}`;
}

function chainPattern(chains: NftScope['chains']): ((chain: string) => boolean) | undefined {
  if (chains === undefined) return undefined;
  if (chains instanceof RegExp) {
    // A sticky or global pattern would go on where it stopped.
    const pattern = new RegExp(chains.source, chains.flags.replace(/[gy]/g, ''));
    return (chain) => pattern.test(chain);
  }
  if (!Array.isArray(chains) || chains.some((chain) => typeof chain !== 'string')) {
    throw invalid('scope.chains is a pattern or a list of names');
  }
  const names = new Set<string>(chains);
  return (chain) => names.has(chain);
}

function invalid(reason: string): NetfilterError {
  return new NetfilterError(`sync: ${reason}; nothing was sent`, { code: 'ERR_INVALID_ARG' });
}
