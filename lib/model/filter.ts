// What `rules({ … })` and `indexOf({ … })` let through.
import type { InstalledRule, Place, Table } from './ruleset.ts';

export function placed(at: Place, where: Partial<Place>): boolean {
  return (
    (where.family === undefined || where.family === at.family) &&
    (where.table === undefined || where.table === at.table) &&
    (where.chain === undefined || where.chain === at.chain)
  );
}

export function commentMatches(comment: string | undefined, wanted: string | RegExp): boolean {
  if (comment === undefined) return false;
  return typeof wanted === 'string' ? comment === wanted : comment.search(wanted) >= 0;
}

/** The rules of tables, in their order, that are in a place and have a comment. */
export function* rulesWhere<R extends InstalledRule>(
  tables: readonly Table<R>[],
  where: Partial<Place> & { readonly comment?: string | RegExp },
): IterableIterator<R> {
  for (const table of tables) {
    for (const chain of table.chains) {
      if (!placed({ family: chain.family, table: chain.table, chain: chain.name }, where)) continue;
      for (const rule of chain.rules) if (where.comment === undefined || commentMatches(rule.comment, where.comment)) yield rule;
    }
  }
}
