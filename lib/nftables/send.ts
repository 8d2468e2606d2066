// Sends a batch, and turns the kernel's replies into a result or an error.
import type { Connection } from '../connection.ts';
import { EMSGSIZE, ENOBUFS, EPERM, ERESTART, errnoName, errnoText } from '../errno.ts';
import { NEED_CAP_NET_ADMIN, NetfilterError, type Outcome } from '../errors.ts';
import { COMMIT_CONDITIONAL, COMMIT_DRY_RUN, type NativeCommitReply, type NativeOperationError } from '../native.ts';
import type { Verb } from '../run.ts';
import { be64, findAttribute, readMessage } from '../wire/attributes.ts';
import type { Batch } from './batch.ts';
import * as m from './objects/messages.ts';
import { pathAt } from './objects/paths.ts';

/** Names an operation of its transaction. */
export interface Operation {
  readonly index: number;
}
export interface CommitResult {
  /** The generation this commit made, where the kernel told. */
  readonly generation?: number;
  /** The echo did not fit the receive buffer: the batch is applied, and some handles are missing. */
  readonly repliesLost?: true;
  /** The handle of an object added with echo (`handles`). */
  handle(op: Operation): bigint | undefined;
}
/** Up to here handles are echoed unless asked otherwise. */
const ECHO_LIMIT = 1000;
export interface SendOptions {
  readonly dryRun?: boolean;
  readonly handles?: boolean;
  readonly generation?: number;
  /** Called when the bytes are about to go out. */
  readonly sending?: () => void;
}

/** Sends a batch and turns the kernel's replies into a result or an error. */
export function* sendBatch(connection: Connection, batch: Batch, o: SendOptions): Verb<CommitResult> {
  if (batch.length === 0 && o.generation === undefined) return result(undefined, new Map(), false);
  const what = o.dryRun ? 'check' : 'commit';
  if (batch.byteLength > connection.maxBatchBytes) throw tooLarge(what, connection, batch);
  const handles = !o.dryRun && (o.handles ?? batch.length <= ECHO_LIMIT);
  const columns = batch.columns(o.dryRun ? 'none' : handles ? 'all' : 'first');
  let flags = o.dryRun ? COMMIT_DRY_RUN : 0;
  if (o.generation !== undefined) flags |= COMMIT_CONDITIONAL;
  const bytes = batch.writer.written();
  const generation = o.generation ?? 0;
  o.sending?.();
  const reply = yield* connection.on(
    'batch',
    what,
    (c) => c.commitSync(bytes, columns, flags, generation),
    (c) => c.commit(bytes, columns, flags, generation),
  );
  if (reply.failure !== undefined) {
    if (reply.failure.errno === EMSGSIZE) throw tooLarge(what, connection, batch);
    connection.check(what, reply.failure);
  }
  if (reply.errors.length > 0) throw batchError(what, batch, reply, o.generation);
  if (reply.overrun && reply.first === 'none') {
    throw new NetfilterError(`${what}: the kernel's replies were lost (ENOBUFS) before the first could be read`, {
      code: 'ENOBUFS',
      errno: ENOBUFS,
      outcome: o.dryRun ? 'not-applied' : 'unknown',
    });
  }
  return result(reply.generation, handlesOf(reply), reply.overrun);
}

/** `handle` needs no `this`: callers take results apart. */
function result(generation: number | undefined, handles: ReadonlyMap<number, bigint>, repliesLost: boolean): CommitResult {
  return {
    ...(generation === undefined ? {} : { generation }),
    ...(repliesLost ? { repliesLost } : {}),
    handle: (op) => handles.get(op.index),
  };
}

/** NFTA_…_HANDLE by the message that echoes the object. */
// biome-ignore format: a line holds what belongs together
const handleAttribute: Readonly<Record<number, number>> = {
  [m.NFT_MSG_NEWTABLE]: 4, [m.NFT_MSG_NEWCHAIN]: 2, [m.NFT_MSG_NEWRULE]: 3, [m.NFT_MSG_NEWSET]: 16, [m.NFT_MSG_NEWOBJ]: 6, [m.NFT_MSG_NEWFLOWTABLE]: 5,
};

function handlesOf(reply: NativeCommitReply): Map<number, bigint> {
  const handles = new Map<number, bigint>();
  if (reply.echo === undefined || reply.echoIndex === undefined) return handles;
  const bytes = new Uint8Array(reply.echo);
  for (let i = 0; i + 1 < reply.echoIndex.length; i += 2) {
    const message = readMessage(bytes, reply.echoIndex[i] as number);
    const type = handleAttribute[message.type];
    const found = type === undefined ? undefined : findAttribute(bytes, message.start, message.end, type);
    if (found !== undefined && found[1] - found[0] === 8) handles.set(reply.echoIndex[i + 1] as number, be64(bytes, found[0]));
  }
  return handles;
}

function tooLarge(what: string, connection: Connection, batch: Batch): NetfilterError {
  const why = connection.canForceBuffers
    ? 'split it'
    : 'without CAP_NET_ADMIN in the initial user namespace a socket buffer cannot exceed net.core.wmem_max: split it, or raise that limit';
  return new NetfilterError(
    `${what}: a batch of ${batch.length} operations has ${batch.byteLength} bytes, ${connection.maxBatchBytes} can be sent in ${connection.where}; ${why}`,
    { code: 'EMSGSIZE', errno: EMSGSIZE },
  );
}

function batchError(what: string, batch: Batch, reply: NativeCommitReply, generation: number | undefined): NetfilterError {
  const failures = reply.errors.map((e) => operationError(what, batch, e, generation));
  const first = failures[0] as NetfilterError;
  if (failures.length === 1 && !reply.overrun) return first;
  const lost = reply.overrun ? ', further replies were lost' : '';
  return new NetfilterError(`${first.message} (and ${failures.length - 1} more of ${batch.length} operations failed${lost})`, {
    code: first.code,
    errno: -first.errno,
    outcome: first.outcome,
    ...(first.kernelMessage === undefined ? {} : { kernelMessage: first.kernelMessage }),
    ...(first.operation === undefined ? {} : { operation: first.operation }),
    failures,
  });
}

function operationError(what: string, batch: Batch, e: NativeOperationError, generation: number | undefined): NetfilterError {
  const outcome: Outcome = 'not-applied';
  const named = batch.named(e.index);
  const kernel = e.message === undefined ? '' : `: ${e.message}`;
  const errno = `${errnoText(e.errno)} (${errnoName(e.errno)})`;
  const common = { code: errnoName(e.errno), errno: e.errno, outcome, ...(e.message === undefined ? {} : { kernelMessage: e.message }) };
  if (named === undefined) {
    const hint =
      e.errno === EPERM
        ? `; ${NEED_CAP_NET_ADMIN}`
        : e.errno === ERESTART && generation !== undefined
          ? `; the ruleset is no longer at generation ${generation}`
          : '';
    return new NetfilterError(`${what}: ${errno}${kernel}${hint}; nothing was applied`, common);
  }
  const inMessage = e.offset === undefined ? undefined : pathAt(batch.typeOf(e.index), batch.bytesOf(e.index), e.offset);
  const path = inMessage === undefined ? undefined : (named.locate?.(inMessage) ?? inMessage);
  const at = path === undefined ? '' : ` at ${path}`;
  const index = named.index ?? e.index;
  return new NetfilterError(
    `${what}: operation ${index} (${named.verb} ${describeObject(named.object)})${at}: ${errno}${kernel}; nothing was applied`,
    {
      ...common,
      operation: { index, verb: named.verb, object: named.object, ...(path === undefined ? {} : { path }) },
    },
  );
}

/** `rule ip filter INPUT`: enough to find it. */
export function describeObject(object: unknown): string {
  const [kind, input] = Object.entries(object as Record<string, Record<string, unknown>>)[0] ?? ['object', {}];
  const place = ['family', 'table', 'chain', 'name'].map((key) => input[key]).filter((v) => typeof v === 'string');
  return [kind, ...place].join(' ');
}
