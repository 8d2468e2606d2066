// Many calls, one commit: what comes within a few milliseconds is sent together, and every caller learns what became of its own.
import { setMaxListeners } from 'node:events';
import type { CallOptions, Connection, Listener } from '../connection.ts';
import { closedError, NetfilterError } from '../errors.ts';
import type { IptablesBackend } from './backend.ts';
import { type Call, commitCalls, ofCall, type RuleCommand } from './calls.ts';
import { commandError } from './command-error.ts';
import { misplaced } from './commands.ts';
import type { IpFamily } from './extensions/codec.ts';
import { checkChain, checkTable, rulesOf } from './rule-input.ts';
import type { RuleInput } from './rule-spec.ts';

export interface QueueOptions {
  /** How long a call waits for others at most before it is sent, in milliseconds; default 5. 0: until the next turn of the event loop. */
  readonly maxDelayMs?: number;
  /** So many calls are sent at once, and no more in one commit; default 1000. */
  readonly maxBatch?: number;
}

const MAX_DELAY_MS = 5;
const MAX_BATCH = 1000;
/** Longest that setTimeout takes. */
const LONGEST_DELAY_MS = 0x7fffffff;

/** A call that nobody has begun to commit. */
interface Waiting extends Call {
  /** An abort comes too late from now on. */
  taken(): void;
}

export class Queue implements Listener {
  readonly #connection: Connection;
  readonly #backend: IptablesBackend;
  readonly #family: IpFamily;
  readonly #maxDelayMs: number;
  readonly #maxBatch: number;
  readonly #forget: () => void;
  readonly #waiting = new Set<Waiting>();
  /** Of all calls that are not settled. */
  readonly #unsettled = new Set<Promise<void>>();
  /** Runs while calls wait, and keeps the process alive for them. */
  #timer: { clear(): void } | undefined;
  /** Somebody has waited for long enough. */
  #due = false;
  #committing = false;
  #closed = false;
  #closing: Promise<void> | undefined;

  /** @internal Made by Iptables.queue(). */
  constructor(connection: Connection, backend: IptablesBackend, family: IpFamily, o: QueueOptions) {
    const { maxDelayMs = MAX_DELAY_MS, maxBatch = MAX_BATCH } = o;
    if (typeof maxDelayMs !== 'number' || !(maxDelayMs >= 0 && maxDelayMs <= LONGEST_DELAY_MS))
      throw invalid(`maxDelayMs ${String(maxDelayMs)}: 0 to ${LONGEST_DELAY_MS} milliseconds`);
    if (!Number.isSafeInteger(maxBatch) || maxBatch < 1) throw invalid(`maxBatch ${String(maxBatch)}: calls, from 1`);
    this.#connection = connection;
    this.#backend = backend;
    this.#family = family;
    this.#maxDelayMs = maxDelayMs;
    this.#maxBatch = maxBatch;
    this.#forget = connection.listen('queue', this);
  }

  /**
   * Adds a rule to the end of a chain, as `Iptables.append`, in one commit with the calls around it. Errors are those of this call: RuleSyntaxError and
   * ERR_INVALID_ARG at once, what the kernel refuses after the commit. An abort counts until its commit has begun.
   */
  async append(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#call('append', table, chain, r, o);
  }

  /** Deletes the first rule that is the same when the turn of the call comes; not there: ENOENT. */
  async delete(table: string, chain: string, r: RuleInput, o?: CallOptions): Promise<void> {
    await this.#call('delete', table, chain, r, o);
  }

  /** Sends what waits without waiting for more; done when every call so far is settled. Does not reject: each caller learns of its own failure. */
  async flush(): Promise<void> {
    if (this.#waiting.size > 0) {
      this.#due = true;
      this.#begin();
    }
    await Promise.allSettled(this.#unsettled);
  }

  /** As `flush`; calls after it are refused with ERR_CLOSED. May be called again. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#closing ??= this.flush().finally(this.#forget);
    await this.#closing;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @internal */
  connectionClosed(): void {
    this.#closed = true;
    this.#stopTimer();
    this.#refuse(closedError('queue'));
  }

  async #call(verb: RuleCommand['verb'], table: string, chain: string, r: RuleInput, o: CallOptions | undefined): Promise<void> {
    o?.signal?.throwIfAborted();
    if (this.#closed) {
      if (this.#connection.closed) throw closedError(verb);
      throw new NetfilterError(`${verb}: the queue is closed`, { code: 'ERR_CLOSED' });
    }
    await this.#enqueue(table, this.#commands(verb, table, chain, r), o?.signal);
  }

  #commands(verb: RuleCommand['verb'], table: string, chain: string, r: RuleInput): Call['commands'] {
    checkTable(table);
    checkChain(chain);
    const commands = rulesOf(r, this.#family, chain).map((rule): RuleCommand => ({ verb, chain, rule }));
    for (const [i, c] of commands.entries()) {
      const reason = misplaced(table, c);
      if (reason !== undefined) throw commandError(this.#family, table, i, c, reason, 'ERR_INVALID_ARG', 0);
    }
    return commands as [RuleCommand, ...RuleCommand[]];
  }

  #enqueue(table: string, commands: Call['commands'], signal: AbortSignal | undefined): Promise<void> {
    const settled = new Promise<void>((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.delete(call);
        if (this.#waiting.size === 0) this.#stopTimer();
        reject(signal?.reason);
      };
      const taken = (): void => signal?.removeEventListener('abort', abort);
      const call = { family: this.#family, table, commands, resolve, reject, taken };
      if (signal !== undefined) {
        // Many calls may share one signal.
        setMaxListeners(0, signal);
        signal.addEventListener('abort', abort, { once: true });
      }
      this.#waiting.add(call);
    });
    this.#unsettled.add(settled);
    const forget = (): void => void this.#unsettled.delete(settled);
    settled.then(forget, forget);
    if (this.#waiting.size >= this.#maxBatch) this.#begin();
    else this.#startTimer();
    return settled;
  }

  #startTimer(): void {
    if (this.#timer !== undefined) return;
    const due = (): void => {
      this.#timer = undefined;
      this.#due = true;
      this.#begin();
    };
    if (this.#maxDelayMs === 0) {
      const immediate = setImmediate(due);
      this.#timer = { clear: () => clearImmediate(immediate) };
    } else {
      const timeout = setTimeout(due, this.#maxDelayMs);
      this.#timer = { clear: () => clearTimeout(timeout) };
    }
  }
  #stopTimer(): void {
    this.#timer?.clear();
    this.#timer = undefined;
  }

  #begin(): void {
    if (this.#committing || this.#waiting.size === 0) return;
    this.#committing = true;
    void this.#commit();
  }

  async #commit(): Promise<void> {
    let calls: readonly Waiting[] = [];
    // Taken when the connection's turn comes: who calls while others commit is in it too.
    const verb = () => commitCalls(this.#backend, (calls = this.#take()));
    try {
      await this.#connection.runAsync('queue', verb, undefined, true);
    } catch (err) {
      if (calls.length === 0) this.#refuse(err);
      for (const call of calls) call.reject(ofCall(err, call));
    }
    this.#committing = false;
    if (this.#due || this.#waiting.size >= this.#maxBatch) this.#begin();
  }

  /** Those that came first. Who is left has waited for a whole batch. */
  #take(): readonly Waiting[] {
    const calls: Waiting[] = [];
    for (const call of this.#waiting) {
      if (calls.length === this.#maxBatch) break;
      calls.push(call);
    }
    for (const call of calls) {
      this.#waiting.delete(call);
      call.taken();
    }
    this.#stopTimer();
    this.#due = this.#waiting.size > 0;
    return calls;
  }

  #refuse(err: unknown): void {
    for (const call of this.#waiting) {
      call.taken();
      call.reject(ofCall(err, call));
    }
    this.#waiting.clear();
  }
}

function invalid(what: string): NetfilterError {
  return new NetfilterError(`queue: ${what}`, { code: 'ERR_INVALID_ARG' });
}
