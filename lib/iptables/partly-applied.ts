// Several tables, each a commit of its own.
import { NetfilterError } from '../errors.ts';

/** What the error of one table says of all: `done` were written before, and where there are `more`, they were not begun. */
export function ofAllTables(err: NetfilterError, done: readonly string[], more: boolean): NetfilterError {
  const applied = err.outcome === 'applied';
  if (done.length === 0 && !(applied && more)) return err;
  const outcome = applied && !more ? 'applied' : err.outcome === 'unknown' ? 'unknown' : 'partly-applied';
  const text = [
    err.message.replace(/; nothing was (sent|applied)$/, ''),
    ...(done.length === 0 ? [] : [`written before: ${done.join(', ')}`]),
    ...(more ? ['the tables after it are as they were'] : []),
  ].join('; ');
  return new NetfilterError(text, {
    code: err.code,
    errno: -err.errno,
    outcome,
    tables: [...done, ...(err.tables ?? [])],
    ...(err.operation === undefined ? {} : { operation: err.operation }),
    cause: err,
  });
}
