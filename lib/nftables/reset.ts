// Resets of a transaction. The kernel refuses GET messages inside a batch, so each is a request of its own, sent as soon as
// the batch has been applied: it reads the counts and puts them back to zero in one step of the kernel's.
//
// What that can lose: a reset is read once. Two who reset the same object each see a part; a reply that is lost (ENOBUFS) or
// a dump that somebody's commit interrupts (EINTR) takes the counts it had read with it; a dump is therefore never repeated.

import type { Connection } from '../connection.ts';
import { ledgerOf } from '../counters/ledger.ts';
import { chainKey } from '../counters/rows.ts';
import { EINTR, ERESTART } from '../errno.ts';
import { type FailedOperation, NetfilterError, type NetfilterErrorOptions } from '../errors.ts';
import type { Counter, ElementInput, NamedObject, Place } from '../model/ruleset.ts';
import type { NativeDumpReply } from '../native.ts';
import type { Verb } from '../run.ts';
import { type Message, readMessage } from '../wire/attributes.ts';
import { DecodeError, EncodeError } from '../wire/errors.ts';
import { AttributeWriter } from '../wire/writer.ts';
import { elementQueries, readElements, resetElements } from './element-reset.ts';
import type { AnyExpression } from './expressions/expression.ts';
import type { Expression } from './expressions/index.ts';
import { kindOf, writeOperation } from './input/index.ts';
import type { Written } from './input/kind.ts';
import { resolveLookups } from './lookups.ts';
import { chainTable } from './objects/chain.ts';
import * as m from './objects/messages.ts';
import { objectModel, objectTable } from './objects/object.ts';
import { ruleTable } from './objects/rule.ts';
import { tableTable } from './objects/table.ts';
import { commentOf } from './objects/userdata.ts';
import { nftType, readGeneration, request } from './read.ts';
import { type CommitResult, describeObject, type Operation } from './send.ts';
import { SetScope } from './sets/scope.ts';

/** A rule as it was before its reset. */
export interface ResetRule extends Place {
  readonly handle: bigint;
  readonly comment?: string;
  /** Of the rule's first counter; the expressions hold all counts and quotas. */
  readonly counter?: Counter;
  readonly expressions: readonly Expression[];
}

/** What was read: a rule; the rules of a chain or table; a counter or quota; the elements of a set or map, or those named. */
export type ResetValue = ResetRule | readonly ResetRule[] | NamedObject | readonly ElementInput[];

export interface NftCommitResult extends CommitResult {
  /** What a `reset` read before it put the counts to zero; undefined for other operations. */
  reset(op: Operation): ResetValue | undefined;
}

/** A reset failed after the batch had been applied. `result` holds what the commit and the other resets gave. */
export class ResetError extends NetfilterError {
  readonly result: NftCommitResult;

  constructor(message: string, o: NetfilterErrorOptions, result: NftCommitResult) {
    super(message, o);
    this.result = result;
  }
}

interface Reset {
  readonly index: number;
  readonly object: unknown;
  perform(connection: Connection): Verb<ResetValue>;
}

/** The resets of one transaction, in order. */
export class Resets {
  readonly #list: Reset[] = [];

  get length(): number {
    return this.#list.length;
  }

  /** Throws what writeOperation throws. */
  add(object: unknown, index: number): void {
    const { name: kind, input } = kindOf(object);
    if (kind === 'element') {
      const queries = elementQueries(input);
      this.#list.push({ index, object, perform: (connection) => resetElements(connection, queries) });
      return;
    }
    const writer = new AttributeWriter(128);
    const emit = (header: Written): void => {
      this.#list.push({ index, object, perform: (connection) => performOne(connection, kind, header, writer) });
    };
    writeOperation('reset', object, { w: writer, index, at: {}, sets: new SetScope(), defer: () => {}, emit });
  }

  /**
   * Performs all of them, even where one fails. `sent` is the result of the batch, of `operations` operations; `own` tells
   * this transaction's operations from another's.
   */
  *perform(connection: Connection, sent: CommitResult, operations: number, own: (op: Operation) => boolean): Verb<NftCommitResult> {
    const values = new Map<number, ResetValue>();
    const result: NftCommitResult = { ...sent, reset: (op) => (own(op) ? values.get(op.index) : undefined) };
    const failed: { readonly reset: Reset; readonly err: NetfilterError }[] = [];
    for (const reset of this.#list) {
      try {
        const value = yield* reset.perform(connection);
        values.set(reset.index, value);
        note(connection, value);
      } catch (err) {
        failed.push({ reset, err: asNetfilterError(err) });
      }
    }
    if (failed.length > 0) throw failure(failed, result, operations, values.size);
    return result;
  }
}

/** Who compares polls learns what was put to zero here. */
function note(connection: Connection, value: ResetValue): void {
  const ledger = ledgerOf(connection);
  if (!ledger.wanted) return;
  let place: Place | undefined;
  for (const rule of Array.isArray(value) ? value : [value]) {
    if (!isResetRule(rule) || rule.counter === undefined) continue;
    const { family, table, chain, handle, counter } = rule;
    // Kept for long where nobody takes a sample: no more than this, one place for all rules of a chain.
    if (place === undefined || chainKey(place) !== chainKey(rule)) place = { family, table, chain };
    ledger.add({ kind: 'reset', place, handle, counter });
  }
}
function isResetRule(value: unknown): value is ResetRule {
  return typeof value === 'object' && value !== null && 'expressions' in value && 'handle' in value;
}

/** A set is looked at after the batch, which may have added it: a key that doesn't fit is found only then. */
function asNetfilterError(err: unknown): NetfilterError {
  if (err instanceof NetfilterError) return err;
  if (err instanceof EncodeError) return new NetfilterError(err.message, { code: 'ERR_INVALID_ARG', cause: err });
  throw err;
}

function* performOne(connection: Connection, kind: string, header: Written, writer: AttributeWriter): Verb<ResetValue> {
  if (header.lookup !== undefined) yield* resolveLookups(connection, [header.lookup], writer);
  const attributes = writer.written();
  if ((header.flags & m.NLM_F_DUMP) === 0) {
    const data = yield* request(connection, 'reset', nftType(header.type), header.family, attributes);
    return kind === 'rule' ? readRule(data, readMessage(data, 0)) : readObject(data, readMessage(data, 0));
  }
  const rules = header.type === m.NFT_MSG_GETRULE_RESET;
  // A dump of the rules of nothing is empty and no error.
  if (rules) yield* look(connection, header.family, attributes);
  const reply: NativeDumpReply = yield* connection.on(
    'dump',
    'reset',
    (c) => c.dumpSync(nftType(header.type), header.family, attributes, 0),
    (c) => c.dump(nftType(header.type), header.family, attributes, 0),
  );
  connection.check('reset', reply.failure);
  const data = new Uint8Array(reply.data);
  const messages = Array.from(reply.index, (at) => readMessage(data, at));
  if (rules) return messages.map((message) => readRule(data, message));
  return yield* readElements(connection, header.family, attributes, data, messages);
}

/** What a conditional commit means for resets that no batch goes before. Another commit may still come in between. */
export function* requireGeneration(connection: Connection, generation: number): Verb<void> {
  if ((yield* readGeneration(connection)).generation === generation) return;
  throw new NetfilterError(`commit: the ruleset is no longer at generation ${generation}; nothing was reset`, {
    code: 'ERESTART',
    errno: ERESTART,
  });
}

/** ENOENT where there is no such table or chain. */
function* look(connection: Connection, family: number, attributes: Uint8Array): Verb<void> {
  const { table, chain } = ruleTable.decode(attributes, 0, attributes.length) ?? {};
  const w = new AttributeWriter(64);
  if (chain === undefined) tableTable.encode(w, { name: table ?? '' });
  else chainTable.encode(w, { table: table ?? '', name: chain });
  yield* request(connection, 'reset', nftType(chain === undefined ? m.NFT_MSG_GETTABLE : m.NFT_MSG_GETCHAIN), family, w.written());
}

function readObject(data: Uint8Array, message: Message): NamedObject {
  const attributes = objectTable.decode(data, message.start, message.end);
  if (attributes === undefined) throw new DecodeError('an object with an attribute twice', message.start);
  return objectModel(m.familyName(message.family), attributes);
}

function readRule(data: Uint8Array, message: Message): ResetRule {
  const a = ruleTable.decode(data, message.start, message.end);
  if (a === undefined) throw new DecodeError('a rule with an attribute twice', message.start);
  const expressions = a.expressions ?? [];
  const counter = expressions.find((e) => e.type === 'counter');
  const comment = commentOf(a.userdata);
  return {
    family: m.familyName(message.family),
    table: a.table ?? '',
    chain: a.chain ?? '',
    handle: a.handle ?? 0n,
    ...(comment === undefined ? {} : { comment }),
    ...(counter === undefined ? {} : { counter: counted(counter) }),
    expressions: expressions as readonly Expression[],
  };
}

function counted(e: AnyExpression): Counter {
  return { packets: e['packets'] as bigint, bytes: e['bytes'] as bigint };
}

function failure(
  failed: readonly { readonly reset: Reset; readonly err: NetfilterError }[],
  result: NftCommitResult,
  operations: number,
  succeeded: number,
): ResetError {
  const others = operations > 0 ? `the other ${operations} operations were applied` : 'nothing else was asked for';
  const all = failed.map(({ reset, err }) => {
    // An interrupted dump has put to zero what it had read.
    const lost = err.errno === -EINTR ? '; another commit interrupted it, and counts it had read are lost' : '';
    const some = operations > 0 || succeeded > 0 || lost !== '' || err.outcome === 'partly-applied';
    const outcome = some ? 'partly-applied' : 'not-applied';
    const operation: FailedOperation = { index: reset.index, verb: 'reset', object: reset.object };
    const message = `operation ${reset.index} (reset ${describeObject(reset.object)}): ${err.message}${lost}; ${others}`;
    const kernel = err.kernelMessage === undefined ? {} : { kernelMessage: err.kernelMessage };
    return { message, o: { code: err.code, errno: -err.errno, outcome, operation, cause: err, ...kernel } as const };
  });
  const failures = all.map(({ message, o }) => new ResetError(message, o, result));
  const [first, ...more] = all as [(typeof all)[number], ...typeof all];
  if (more.length === 0) return failures[0] as ResetError;
  const outcome = all.some(({ o }) => o.outcome === 'partly-applied') ? 'partly-applied' : 'not-applied';
  return new ResetError(`${first.message} (and ${more.length} more resets failed)`, { ...first.o, outcome, failures }, result);
}
