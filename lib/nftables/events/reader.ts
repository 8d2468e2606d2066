// From batches of messages to events, in the kernel's order. Pure: no socket, no clock.
import { type NativeEventBatch, OVERRUN } from '../../native.ts';
import { host32, readMessage } from '../../wire/attributes.ts';
import { NFT_MSG_NEWGEN, NFT_MSG_TRACE } from '../objects/messages.ts';
import { Commit, type Place, readNewGeneration } from './commit.ts';
import { readTrace, type TracedRules } from './trace.ts';
import type { NftEvent } from './types.ts';

/** nlmsghdr: nlmsg_pid is its last word. */
const PORT = 12;
/** A commit of more than this is told as an overrun: kept until its end, it would be the only thing without a bound. */
const LARGEST_COMMIT = 512 * 1024 * 1024;
/** A batch of which a commit is less than half is not kept for it. */
const WORTH_COPYING = 2;

export interface ReaderOptions {
  /** nlmsg_pid of our own commits. */
  readonly port: number;
  readonly wants: (kind: NftEvent['kind']) => boolean;
  readonly rules?: TracedRules;
  readonly largestCommit?: number;
}

export class EventReader {
  readonly #o: ReaderOptions;
  #bytes: Uint8Array = new Uint8Array(0);
  #index: Uint32Array = new Uint32Array(0);
  #next = 0;
  /** Messages of the commit whose end has not come. */
  #pending: Place[] = [];
  /** Bytes of earlier batches that they hold. */
  #held = 0;
  #tooLarge = false;
  #generation = 0;

  constructor(o: ReaderOptions) {
    this.#o = o;
  }

  /** Whether the last batch is used up. */
  get empty(): boolean {
    return this.#next >= this.#index.length;
  }

  /** The next batch; the last one must be used up. */
  push(batch: NativeEventBatch): void {
    if (this.#pending.length > 0) this.#held += this.#bytes.length;
    this.#bytes = new Uint8Array(batch.data);
    this.#index = batch.index;
    this.#next = 0;
    if (this.#held > (this.#o.largestCommit ?? LARGEST_COMMIT)) {
      this.#forget();
      this.#tooLarge = true;
    }
  }

  /** The next event of the batch, if there is one. Throws DecodeError for what is no message. */
  next(): NftEvent | undefined {
    while (this.#next < this.#index.length) {
      const event = this.#read(this.#index[this.#next++] as number);
      if (event !== undefined && this.#o.wants(event.kind)) return event;
    }
    return undefined;
  }

  #read(at: number): NftEvent | undefined {
    const bytes = this.#bytes;
    if (at === OVERRUN) {
      // What came of a commit before the loss is not the whole of it.
      this.#forget();
      return { kind: 'overrun' };
    }
    const type = bytes[at + 4];
    if (type === NFT_MSG_TRACE) return this.#o.wants('trace') ? readTrace(bytes, readMessage(bytes, at), this.#o.rules) : undefined;
    const port = host32(bytes, at + PORT);
    if (type === NFT_MSG_NEWGEN) {
      const by = readNewGeneration(bytes, readMessage(bytes, at));
      this.#generation = by.generation;
      const messages = this.#compact(at);
      const tooLarge = this.#tooLarge;
      this.#forget();
      return tooLarge ? { kind: 'overrun' } : new Commit(by, port === this.#o.port, messages);
    }
    // A commit's messages carry its socket's port. The kernel's own come without, and no NEWGEN follows them.
    if (port === 0) return new Commit({ generation: this.#generation, tid: 0, process: '' }, false, [{ bytes, at }]);
    if (!this.#tooLarge) this.#pending.push({ bytes, at });
    return undefined;
  }

  /** The pending messages; copied where they would keep a much larger batch in memory. */
  #compact(end: number): readonly Place[] {
    const [first] = this.#pending;
    const bytes = this.#bytes;
    if (first === undefined || first.bytes !== bytes || (end - first.at) * WORTH_COPYING > bytes.length) return this.#pending;
    const start = first.at;
    const copy = bytes.slice(start, end);
    return this.#pending.map(({ at }) => ({ bytes: copy, at: at - start }));
  }

  #forget(): void {
    this.#pending = [];
    this.#held = 0;
    this.#tooLarge = false;
  }
}
