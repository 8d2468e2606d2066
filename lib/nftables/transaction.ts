// A transaction: operations written to bytes as they are named, sent as one batch. Bad input throws from the verb itself,
// naming the path; nothing is sent then.
import type { CallOptions, Connection } from '../connection.ts';
import { NetfilterError } from '../errors.ts';
import type { Verb } from '../run.ts';
import { EncodeError } from '../wire/errors.ts';
import { Batch } from './batch.ts';
import { complete, type Deferred } from './deferred.ts';
import { writeOperation } from './input/index.ts';
import { type At, UnsupportedPair } from './input/kind.ts';
import type { ObjectInput, VerbName } from './input/types.ts';
import { resolveLookups } from './lookups.ts';
import { nextGeneration, readGeneration } from './read.ts';
import { type NftCommitResult, Resets, requireGeneration } from './reset.ts';
import { type CommitResult, type Operation, type SendOptions, sendBatch } from './send.ts';
import { carryOver } from './sets/look.ts';
import { SetScope } from './sets/scope.ts';

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
  readonly #resets = new Resets();
  readonly #sets = new SetScope();
  readonly #deferred: Deferred[] = [];
  /** What this transaction has handed out: another's operation would name something else here. */
  readonly #operations = new WeakSet<Operation>();
  #state: 'open' | 'sent' = 'open';

  /** @internal Made by Nftables.transaction(). */
  constructor(connection: Connection, generation: number | undefined) {
    if (generation !== undefined && !(Number.isInteger(generation) && generation > 0 && generation <= 0xffffffff)) {
      throw new NetfilterError(`transaction: ${String(generation)} is no generation: an integer from 1 to 2^32-1`, {
        code: 'ERR_INVALID_ARG',
      });
    }
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
  /**
   * Reads and zeroes the counts of a rule, of the rules of a chain or table, of a counter or quota, of elements or all of a
   * set's; the result's `reset` has what was read. Not part of what is atomic: performed right after the batch was applied, each on its own, and not by
   * `check`. What a reset has read exists nowhere else: prefer deltas of `counters()` where counts may not be lost.
   */
  reset(o: ObjectInput): Operation {
    this.#checkOpen('reset');
    const index = this.#messages.length;
    try {
      this.#resets.add(o, index);
    } catch (err) {
      throw this.#refused(err, 'reset', o);
    }
    this.#messages.push(-1);
    return this.#operation(index);
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

  /** Applies all operations or none. Once only: what was refused before it was sent (ERR_BUSY, an abort) may be tried again. */
  async commit(o?: CommitOptions): Promise<NftCommitResult> {
    this.#checkOpen('commit');
    return await this.#connection.runAsync('commit', () => this.#send(handlesOption(o)), o, true);
  }
  commitSync(o?: { readonly handles?: boolean }): NftCommitResult {
    this.#checkOpen('commit');
    return this.#connection.runSync('commit', () => this.#send(handlesOption(o)), true);
  }

  *#send(o: SendOptions): Verb<NftCommitResult> {
    // Two commits may have been queued: the second finds it sent.
    this.#checkOpen(o.dryRun ? 'check' : 'commit');
    const sending = (): void => {
      if (!o.dryRun) this.#state = 'sent';
    };
    const sent = yield* this.#sendBatch({ ...o, sending });
    // A transaction of resets alone sends no batch, and is over all the same.
    sending();
    const handle = (op: Operation): bigint | undefined => (this.#operations.has(op) ? handleOf(sent, this.#messages[op.index]) : undefined);
    const result = { ...sent, handle, reset: () => undefined };
    if (o.dryRun || this.#resets.length === 0) return result;
    const alone = this.#messages.length === this.#resets.length;
    if (alone && this.#generation !== undefined) yield* requireGeneration(this.#connection, this.#generation);
    const others = this.#messages.length - this.#resets.length;
    return yield* this.#resets.perform(this.#connection, result, others, (op) => this.#operations.has(op));
  }

  *#sendBatch(o: SendOptions): Verb<CommitResult> {
    const batch = this.#batch;
    if (batch.lookups.length === 0 && this.#deferred.length === 0)
      return yield* sendBatch(this.#connection, batch, {
        ...o,
        ...(this.#generation === undefined ? {} : { generation: this.#generation }),
      });
    // What is looked up must still hold when the batch arrives: the commit is conditional on the generation looked at.
    for (let tries = 1; ; tries++) {
      const generation = this.#generation ?? (yield* readGeneration(this.#connection)).generation;
      try {
        const whole = yield* complete(this.#connection, batch, this.#deferred, generation);
        yield* resolveLookups(this.#connection, whole.batch.lookups, whole.batch.writer);
        const sent = yield* sendBatch(this.#connection, whole.batch, { ...o, generation });
        const next = nextGeneration(generation);
        if (!o.dryRun && whole.batch.length > 0 && !whole.batch.changesSets) carryOver(this.#connection, generation, next);
        const made = o.dryRun || whole.batch.length === 0 ? {} : { generation: next };
        return { ...made, ...sent, handle: (op) => sent.handle({ index: whole.moved(op.index) }) };
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
    if (!this.#operations.has(other)) {
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
      writeOperation(verb, object, {
        w: batch.writer,
        index,
        at,
        sets: this.#sets,
        emit: (header) => void batch.push(header, { verb, object, index }),
        defer: (need) => void this.#deferred.push({ need, named: { verb, object, index }, before: batch.length }),
      });
    } catch (err) {
      batch.truncate(count, length);
      while (this.#deferred.at(-1)?.named.index === index) this.#deferred.pop();
      throw this.#refused(err, verb, object);
    }
    // A deferred operation has no message yet: none must not be taken for the next one's.
    this.#messages.push(batch.length > count ? count : -1);
    return this.#operation(index);
  }

  #operation(index: number): Operation {
    const operation = Object.freeze({ index });
    this.#operations.add(operation);
    return operation;
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
    if (this.#state !== 'open') throw new NetfilterError(`${what}: this transaction was already sent`, { code: 'ERR_TRANSACTION_DONE' });
  }
}

/** A reset has no message in the batch: -1. */
function handleOf(sent: CommitResult, message = -1): bigint | undefined {
  return message < 0 ? undefined : sent.handle({ index: message });
}

function handlesOption(o: { readonly handles?: boolean } | undefined): SendOptions {
  return o?.handles === undefined ? {} : { handles: o.handles };
}
