// A transaction: operations written to bytes as they are named, sent as one batch. Bad input throws from the verb itself,
// naming the path; nothing is sent then.
import type { CallOptions, Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch } from './batch.ts';
import { writeOperation } from './input/index.ts';
import { type At, UnsupportedPair } from './input/kind.ts';
import type { ObjectInput, VerbName } from './input/types.ts';
import { resolveLookups } from './lookups.ts';
import { readGeneration } from './read.ts';
import { type CommitResult, type Operation, type SendOptions, sendBatch } from './send.ts';

export interface CommitOptions extends CallOptions {
  /** Ask the kernel to echo each object with its handle. Default: up to 1,000 operations, since the echo of a large batch is dear. */
  readonly handles?: boolean;
}

/** How often a transaction with lookups begins again when someone else commits in between. */
const LOOKUP_TRIES = 10;
export class NftTransaction {
  readonly #connection: Connection;
  readonly #generation: number | undefined;
  readonly #batch = new Batch();
  /** The first message of each operation. */
  readonly #messages: number[] = [];
  #state: 'open' | 'sent' = 'open';

  /** @internal Made by Nftables.transaction(). */
  constructor(connection: Connection, generation: number | undefined) {
    this.#connection = connection;
    this.#generation = generation;
  }

  /** How many operations it holds. */
  get length(): number {
    return this.#messages.length;
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
    const sent = yield* this.#sendBatch(o);
    return { ...sent, handle: (op) => sent.handle({ index: this.#messages[op.index] ?? -1 }) };
  }

  *#sendBatch(o: SendOptions): Verb<CommitResult> {
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
    if (!Number.isInteger(other.index) || other.index < 0 || other.index >= this.#messages.length) {
      throw this.#refused(new EncodeError('at', 'not an operation of this transaction'), 'add', at);
    }
    return { position: at.before === undefined ? 'after' : 'before', id: other.index };
  }

  #push(verb: VerbName, object: ObjectInput, at: At = {}): Operation {
    this.#checkOpen(verb);
    const batch = this.#batch;
    const [count, length] = [batch.length, batch.writer.length];
    const index = this.#messages.length;
    try {
      writeOperation(verb, object, { w: batch.writer, index, at, emit: (header) => void batch.push(header, { verb, object, index }) });
    } catch (err) {
      batch.truncate(count, length);
      throw this.#refused(err, verb, object);
    }
    this.#messages.push(count);
    return { index };
  }

  #refused(err: unknown, verb: string, object: unknown): unknown {
    if (err instanceof UnsupportedPair) return new NetfilterError(err.message, { code: 'ERR_NOT_SUPPORTED' });
    if (!(err instanceof EncodeError)) return err;
    const index = this.#messages.length;
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
