// When somebody else has committed to iptables' tables in nf_tables.
import type { Connection } from '../../connection.ts';
import { EventSubscription } from '../../nftables/events/subscription.ts';
import type { ChangedObject, NftEvent } from '../../nftables/events/types.ts';
import type { Writer } from '../../sync/commit.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { Changes } from '../sync/drift.ts';

export class CompatChanges implements Changes {
  readonly #family: IpFamily;
  readonly #tables: ReadonlySet<string>;
  readonly #events: EventSubscription;
  #coming: Promise<IteratorResult<NftEvent, undefined>> | undefined;

  constructor(connection: Connection, family: IpFamily, tables: readonly string[]) {
    this.#family = family;
    this.#tables = new Set(tables);
    this.#events = EventSubscription.open(connection, { kinds: ['commit', 'overrun'] });
  }

  /** Of several that have come, the last. */
  async next(): Promise<Writer | undefined | null> {
    for (;;) {
      let found = this.#read(await this.#take());
      for (let event = await this.#ready(); event !== undefined; event = await this.#ready()) {
        const more = this.#read(event);
        if (more !== false) found = more;
        if (more === null) break;
      }
      if (found !== false) return found;
    }
  }
  close(): void {
    void this.#events.close();
  }

  async #take(): Promise<IteratorResult<NftEvent, undefined>> {
    this.#coming ??= this.#events.next();
    const event = await this.#coming;
    this.#coming = undefined;
    return event;
  }
  /** The next event, if it has come. */
  async #ready(): Promise<IteratorResult<NftEvent, undefined> | undefined> {
    this.#coming ??= this.#events.next();
    const turn = new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)));
    const event = await Promise.race([this.#coming, turn]);
    if (event !== undefined) this.#coming = undefined;
    return event;
  }

  /** False: it does not matter. */
  #read({ done, value: event }: IteratorResult<NftEvent, undefined>): Writer | undefined | null | false {
    if (done === true || event === undefined) return null;
    if (event.kind === 'overrun') return undefined;
    if (event.kind !== 'commit' || event.own) return false;
    const { process, tid, changes } = event;
    return changes.some(({ object }) => this.#matters(object)) ? { process, tid } : false;
  }
  #matters(object: ChangedObject): boolean {
    const [kind, named] = Object.entries(object)[0] as [
      string,
      { readonly family?: string; readonly table?: string; readonly name?: string },
    ];
    return named.family === this.#family && this.#tables.has((kind === 'table' ? named.name : named.table) ?? '');
  }
}
