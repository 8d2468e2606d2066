// What could not be written when it was named, because the set it is about is the kernel's: written right before sending,
// into its place among the other messages.
import type { Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch, type Named } from './batch.ts';
import { describeObject } from './send.ts';
import { lookAt, withHandles } from './sets/look.ts';
import { ElementError, mergingOf, OwnedError } from './sets/merging.ts';
import { type SetNeed, setKey } from './sets/scope.ts';
import { hasFlag, type SetInfo } from './sets/set-info.ts';

export interface Deferred {
  readonly need: SetNeed;
  readonly named: Named & { readonly index: number };
  /** How many messages of the batch come before it. */
  readonly before: number;
}

/** The whole batch, and where a message of the batch as it was stands in it. */
export interface Completed {
  readonly batch: Batch;
  moved(message: number): number;
}

export function* complete(connection: Connection, batch: Batch, deferred: readonly Deferred[], generation: number): Verb<Completed> {
  if (deferred.length === 0) return { batch, moved: (message) => message };
  const whole = new Batch(batch.byteLength);
  const infos = new Map<string, SetInfo>();
  const inserted: { readonly before: number; readonly count: number }[] = [];
  const handles = new Map<string, bigint | undefined>();
  const needs: SetNeed[] = [];
  for (const { need } of deferred) needs.push(yield* withHandles(connection, need, handles));
  const groups = needs.map(groupOf);
  const lastOf = new Map(groups.map((group, i) => [group, i]));
  let next = 0;
  for (const [i, d] of deferred.entries()) {
    const [need, group] = [needs[i] as SetNeed, groups[i] as string];
    whole.copy(batch, next, d.before);
    next = d.before;
    const count = whole.length;
    try {
      let info = infos.get(group);
      // A copy: what operations do to it counts for this attempt only.
      if (info === undefined) infos.set(group, (info = { ...(yield* lookAt(connection, need, generation)) }));
      d.need.write(info.entries === undefined ? info : { ...info, merging: mergingOf(info, lastOf.get(group) === i) }, {
        w: whole.writer,
        named: d.named,
        emit: (header, owner = d.named) => void whole.push(header, owner),
      });
    } catch (err) {
      throw err instanceof OwnedError ? failed(err.cause, err.owner) : failed(err, d.named);
    }
    inserted.push({ before: d.before, count: whole.length - count });
  }
  whole.copy(batch, next, batch.length);
  return { batch: whole, moved: (message) => inserted.reduce((at, i) => (i.before <= message ? at + i.count : at), message) };
}

/** Operations on one set, up to where it is emptied. Adding it again changes nothing; only of anonymous sets is each another. */
function groupOf(need: SetNeed): string {
  const { known } = need;
  return `${need.emptied} ${known !== undefined && hasFlag(known, 'anonymous') ? known.id : ''} ${setKey(need)}`;
}

function failed(err: unknown, named: Named): unknown {
  const { verb, object, index = 0 } = named;
  const what = `operation ${index} (${verb} ${describeObject(object)})`;
  if (err instanceof EncodeError) {
    return new NetfilterError(`${what}: ${err.message}; nothing was sent`, {
      ...(err instanceof ElementError ? { code: err.code, errno: err.errno } : { code: 'ERR_INVALID_ARG' }),
      operation: { index, verb, object, path: err.path },
      cause: err,
    });
  }
  if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') return err;
  return new NetfilterError(`${what} at name: ${err.message}; nothing was sent`, {
    code: err.code,
    errno: -err.errno,
    operation: { index, verb, object, path: 'name' },
    cause: err,
  });
}
