// What could not be written when it was named, because the set it is about is the kernel's: written right before sending,
// into its place among the other messages.
import type { Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch, type Named } from './batch.ts';
import { describeObject } from './send.ts';
import { carryEntries } from './sets/element-operations.ts';
import { lookAt } from './sets/look.ts';
import { type SetNeed, setKey } from './sets/scope.ts';
import type { SetInfo } from './sets/set-info.ts';

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
  let next = 0;
  for (const [i, d] of deferred.entries()) {
    whole.copy(batch, next, d.before);
    next = d.before;
    const count = whole.length;
    try {
      let info = infos.get(groupOf(d));
      // A copy: what operations do to it counts for this attempt only.
      if (info === undefined) infos.set(groupOf(d), (info = { ...(yield* lookAt(connection, d.need, generation)) }));
      const last = !deferred.slice(i + 1).some((later) => groupOf(later) === groupOf(d));
      d.need.write(info.entries === undefined ? info : carryEntries(info, last), {
        w: whole.writer,
        emit: (header) => void whole.push(header, d.named),
      });
    } catch (err) {
      throw failed(err, d);
    }
    inserted.push({ before: d.before, count: whole.length - count });
  }
  whole.copy(batch, next, batch.length);
  return { batch: whole, moved: (message) => inserted.reduce((at, i) => (i.before <= message ? at + i.count : at), message) };
}

/** Operations on one set, up to where it is emptied or made anew. */
const groupOf = ({ need }: Deferred): string => `${need.emptied} ${need.known?.id ?? ''} ${setKey(need)}`;

function failed(err: unknown, { named }: Deferred): unknown {
  const what = `operation ${named.index} (${named.verb} ${describeObject(named.object)})`;
  if (err instanceof EncodeError) {
    return new NetfilterError(`${what}: ${err.message}; nothing was sent`, {
      code: 'ERR_INVALID_ARG',
      operation: { ...named, path: err.path },
      cause: err,
    });
  }
  if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') return err;
  return new NetfilterError(`${what} at name: ${err.message}; nothing was sent`, {
    code: err.code,
    errno: -err.errno,
    operation: { ...named, path: 'name' },
    cause: err,
  });
}
