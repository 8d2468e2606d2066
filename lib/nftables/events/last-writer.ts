// Who has committed last, as events tell it: the kernel's answer about a generation names who asks.
import type { Connection, Listener } from '../../connection.ts';
import { GROUP_COMMITS, type NativeEventSource } from '../../native.ts';
import type { Writer } from '../../sync/commit.ts';
import { EventReader } from './reader.ts';

/** Nobody waits for more than the last. */
const QUEUE_BYTES = 1024 * 1024;

export class LastWriter implements Listener {
  readonly #source: NativeEventSource;
  readonly #reader: EventReader;
  readonly #forget: () => void;
  #last: Writer | undefined;

  /** Listens from now on. */
  constructor(connection: Connection) {
    const { source, forget } = connection.subscribe(GROUP_COMMITS, { receiveBytes: QUEUE_BYTES, queueBytes: QUEUE_BYTES }, this);
    this.#source = source;
    this.#forget = forget;
    this.#reader = new EventReader({ port: connection.portId, wants: (kind) => kind === 'commit' });
  }

  /** Of those commits whose events have come; not one of ours. */
  last(): Writer | undefined {
    const batch = this.#source.take(0);
    if (batch === undefined) return this.#last;
    this.#reader.push(batch);
    for (let event = this.#reader.next(); event !== undefined; event = this.#reader.next()) {
      if (event.kind === 'commit' && !event.own && event.tid !== 0) this.#last = { process: event.process, tid: event.tid };
    }
    return this.#last;
  }
  close(): void {
    this.#forget();
    this.#source.close();
  }
  connectionClosed(): void {
    this.#source.close();
  }
}
