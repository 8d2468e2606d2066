// What `rules({ … })` and `indexOf({ … })` let through.
import type { Place } from './ruleset.ts';

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
