// A transaction: operations written to bytes as they are named, sent as one batch. Bad input throws from the verb itself,
// naming the path; nothing is sent then.
import type { CallOptions, Connection } from '../connection.ts';
import { EMSGSIZE, EPERM, ERESTART, errnoName, errnoText } from '../errno.ts';
import { NEED_CAP_NET_ADMIN, NetfilterError, type Outcome } from '../errors.ts';
import { COMMIT_CONDITIONAL, COMMIT_DRY_RUN, type NativeCommitReply, type NativeOperationError } from '../native.ts';
import type { Verb } from '../run.ts';
import { be64, findAttribute, readMessage } from '../wire/attributes.ts';
import { EncodeError } from '../wire/errors.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { type At, type Lookup, type ObjectInput, pathAt, UnsupportedPair, type VerbName, type Written, writeOperation } from './input.ts';
import { resolveLookups } from './lookups.ts';
import * as m from './objects/messages.ts';
import { readGeneration } from './read.ts';

/** Names an operation of its transaction. */
export interface Operation {
  readonly index: number;
}
export interface CommitResult {
  /** The generation this commit made, where the kernel told. */
  readonly generation?: number;
  /** The handle of an object added with echo (`handles`). */
  handle(op: Operation): bigint | undefined;
}
export interface CommitOptions extends CallOptions {
  /** Ask the kernel to echo each object with its handle. Default: up to 1,000 operations, since the echo of a large batch is dear. */
  readonly handles?: boolean;
}

/** Up to here handles are echoed unless asked otherwise. */
const ECHO_LIMIT = 1000;
/** How often a transaction with lookups begins again when someone else commits in between. */
const LOOKUP_TRIES = 10;
const COLUMNS = 4;
/** Batch begin and end with their headers, and NFNL_BATCH_GENID. */
const BATCH_OVERHEAD = 48;
const MESSAGE_HEADER = 20;

/** What an operation is called in errors. */
export interface Named {
  readonly verb: string;
  readonly object: unknown;
  /** The user's number of it, where it is another than the message's place in the batch. */
  readonly index?: number;
}

/** Operations as bytes. Also what the iptables layer fills, with its own words for what they are. */
export class Batch {
  readonly writer: AttributeWriter = new AttributeWriter();
  #columns: Uint32Array = new Uint32Array(64 * COLUMNS);
  #count = 0;
  readonly #named: Named[] = [];
  readonly #lookups: Lookup[] = [];

  get length(): number {
    return this.#count;
  }
  get lookups(): readonly Lookup[] {
    return this.#lookups;
  }

  /** Ends the operation whose attributes have been written since the last one. */
  push(header: Written, named: Named): number {
    const index = this.#count++;
    const at = index * COLUMNS;
    if (at + COLUMNS > this.#columns.length) {
      const grown = new Uint32Array(this.#columns.length * 2);
      grown.set(this.#columns);
      this.#columns = grown;
    }
    this.#columns[at] = header.type;
    this.#columns[at + 1] = header.flags;
    this.#columns[at + 2] = header.family;
    this.#columns[at + 3] = this.writer.length;
    this.#named.push(named);
    if (header.lookup !== undefined) this.#lookups.push(header.lookup);
    return index;
  }

  named(index: number): Named | undefined {
    return this.#named[index];
  }
  /** The attributes of one operation. */
  bytesOf(index: number): Uint8Array {
    const start = index === 0 ? 0 : (this.#columns[index * COLUMNS - 1] as number);
    return this.writer.bytes.subarray(start, this.#columns[index * COLUMNS + 3]);
  }
  get byteLength(): number {
    return BATCH_OVERHEAD + this.#count * MESSAGE_HEADER + this.writer.length;
  }

  /** The operations table as the addon takes it, with NLM_F_ECHO on all or, for the generation, on the first. */
  columns(echo: 'all' | 'first' | 'none'): Uint32Array {
    const out = this.#columns.slice(0, this.#count * COLUMNS);
    const last = echo === 'all' ? this.#count : echo === 'first' ? Math.min(1, this.#count) : 0;
    for (let i = 0; i < last; i++) (out[i * COLUMNS + 1] as number) |= m.NLM_F_ECHO;
    return out;
  }
}

export interface SendOptions {
  readonly dryRun?: boolean;
  readonly handles?: boolean;
  readonly generation?: number;
}

/** Sends a batch and turns the kernel's replies into a result or an error. */
export function* sendBatch(connection: Connection, batch: Batch, o: SendOptions): Verb<CommitResult> {
  if (batch.length === 0) return result(undefined, new Map());
  const what = o.dryRun ? 'check' : 'commit';
  if (batch.byteLength > connection.maxBatchBytes) throw tooLarge(what, connection, batch);
  const handles = !o.dryRun && (o.handles ?? batch.length <= ECHO_LIMIT);
  const columns = batch.columns(o.dryRun ? 'none' : handles ? 'all' : 'first');
  let flags = o.dryRun ? COMMIT_DRY_RUN : 0;
  if (o.generation !== undefined) flags |= COMMIT_CONDITIONAL;
  const bytes = batch.writer.written();
  const generation = o.generation ?? 0;
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
      errno: 105,
      outcome: 'unknown',
    });
  }
  return result(reply.generation, handlesOf(reply));
}

/** `handle` needs no `this`: callers take results apart. */
function result(generation: number | undefined, handles: ReadonlyMap<number, bigint>): CommitResult {
  return { ...(generation === undefined ? {} : { generation }), handle: (op) => handles.get(op.index) };
}

/** NFTA_{TABLE,CHAIN,RULE}_HANDLE by the message that echoes the object. */
const handleAttribute: Readonly<Record<number, number>> = { [m.NFT_MSG_NEWTABLE]: 4, [m.NFT_MSG_NEWCHAIN]: 2, [m.NFT_MSG_NEWRULE]: 3 };

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
  const path = e.offset === undefined ? undefined : pathAt(named.object, batch.bytesOf(e.index), e.offset);
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
function describeObject(object: unknown): string {
  const [kind, input] = Object.entries(object as Record<string, Record<string, unknown>>)[0] ?? ['object', {}];
  const place = ['family', 'table', 'chain', 'name'].map((key) => input[key]).filter((v) => typeof v === 'string');
  return [kind, ...place].join(' ');
}

export class NftTransaction {
  readonly #connection: Connection;
  readonly #generation: number | undefined;
  readonly #batch = new Batch();
  #state: 'open' | 'sent' = 'open';

  /** @internal Made by Nftables.transaction(). */
  constructor(connection: Connection, generation: number | undefined) {
    this.#connection = connection;
    this.#generation = generation;
  }

  /** How many operations it holds. */
  get length(): number {
    return this.#batch.length;
  }

  /** Adds a table, chain or rule; a rule goes to the end of its chain or to `at`. An existing table or chain is no error. */
  add(o: ObjectInput, at?: { before?: Operation; after?: Operation }): Operation {
    return this.#push('add', o, this.#place(at));
  }
  /** As add, but EEXIST where it is there already. */
  create(o: ObjectInput): Operation {
    return this.#push('create', o);
  }
  /** Puts a rule at the beginning of its chain, or before the rule of its handle or index. */
  insert(o: ObjectInput): Operation {
    return this.#push('insert', o);
  }
  /** Puts a rule in the place of another. The kernel keeps the handle and begins its counters anew. */
  replace(o: ObjectInput): Operation {
    return this.#push('replace', o);
  }
  /** ENOENT where it isn't there. */
  delete(o: ObjectInput): Operation {
    return this.#push('delete', o);
  }
  /** As delete, but no error where it isn't there (Linux 6.3 and later). */
  destroy(o: ObjectInput): Operation {
    return this.#push('destroy', o);
  }
  /** Deletes all rules of a table or chain. */
  flush(o: ObjectInput): Operation {
    return this.#push('flush', o);
  }
  /** Gives a chain the name `newname`. */
  rename(o: ObjectInput): Operation {
    return this.#push('rename', o);
  }
  reset(o: ObjectInput): Operation {
    return this.#push('reset', o);
  }

  /** The kernel's dry run: every error a commit would give now, nothing applied; the transaction stays open. */
  async check(o?: CallOptions): Promise<void> {
    this.#checkOpen('check');
    await this.#connection.runAsync('check', () => this.#send({ dryRun: true }), o, true);
  }
  checkSync(): void {
    this.#checkOpen('check');
    this.#connection.runSync('check', () => this.#send({ dryRun: true }), true);
  }

  /** Applies all operations or none. Once only. */
  async commit(o?: CommitOptions): Promise<CommitResult> {
    this.#checkOpen('commit');
    o?.signal?.throwIfAborted();
    this.#state = 'sent';
    return await this.#connection.runAsync('commit', () => this.#send(handlesOption(o)), o, true);
  }
  commitSync(o?: { readonly handles?: boolean }): CommitResult {
    this.#checkOpen('commit');
    const result = this.#connection.runSync('commit', () => this.#send(handlesOption(o)), true);
    this.#state = 'sent';
    return result;
  }

  *#send(o: SendOptions): Verb<CommitResult> {
    const batch = this.#batch;
    if (batch.lookups.length === 0)
      return yield* sendBatch(this.#connection, batch, {
        ...o,
        ...(this.#generation === undefined ? {} : { generation: this.#generation }),
      });
    // What is looked up must still hold when the batch arrives: the commit is conditional on the generation looked at.
    for (let tries = 1; ; tries++) {
      const generation = this.#generation ?? (yield* readGeneration(this.#connection)).generation;
      yield* resolveLookups(this.#connection, batch.lookups, batch.writer);
      try {
        return yield* sendBatch(this.#connection, batch, { ...o, generation });
      } catch (err) {
        if (!(err instanceof NetfilterError) || err.code !== 'ERESTART' || this.#generation !== undefined || tries === LOOKUP_TRIES)
          throw err;
      }
    }
  }

  #place(at: { before?: Operation; after?: Operation } | undefined): At {
    const other = at?.before ?? at?.after;
    if (at === undefined || other === undefined) return {};
    if (at.before !== undefined && at.after !== undefined)
      throw this.#refused(new EncodeError('at', 'before or after, not both'), 'add', at);
    if (!Number.isInteger(other.index) || other.index < 0 || other.index >= this.#batch.length) {
      throw this.#refused(new EncodeError('at', 'not an operation of this transaction'), 'add', at);
    }
    return { position: at.before === undefined ? 'after' : 'before', id: other.index };
  }

  #push(verb: VerbName, object: ObjectInput, at: At = {}): Operation {
    this.#checkOpen(verb);
    const batch = this.#batch;
    const start = batch.writer.length;
    try {
      const header = writeOperation(batch.writer, verb, object, batch.length, at);
      return { index: batch.push(header, { verb, object }) };
    } catch (err) {
      batch.writer.rewind(start);
      throw this.#refused(err, verb, object);
    }
  }

  #refused(err: unknown, verb: string, object: unknown): unknown {
    if (err instanceof UnsupportedPair) return new NetfilterError(err.message, { code: 'ERR_NOT_SUPPORTED' });
    if (!(err instanceof EncodeError)) return err;
    const index = this.#batch.length;
    return new NetfilterError(`operation ${index} (${verb}): ${err.message}; nothing was sent`, {
      code: 'ERR_INVALID_ARG',
      operation: { index, verb, object, path: err.path },
      cause: err,
    });
  }

  #checkOpen(what: string): void {
    if (this.#state !== 'open') throw new NetfilterError(`${what}: this transaction was committed`, { code: 'ERR_TRANSACTION_DONE' });
  }
}

function handlesOption(o: { readonly handles?: boolean } | undefined): SendOptions {
  return o?.handles === undefined ? {} : { handles: o.handles };
}
