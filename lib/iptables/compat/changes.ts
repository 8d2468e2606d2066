// When somebody else has committed to iptables' tables in nf_tables.
import type { Connection } from '../../connection.ts';
import { EventSubscription } from '../../nftables/events/subscription.ts';
import type { ChangedObject, NftEvent } from '../../nftables/events/types.ts';
import type { Writer } from '../../sync/commit.ts';
import type { IpFamily } from '../extensions/codec.ts';
import type { Changes } from '../sync/drift.ts';

export class CompatChanges implements Changes {
  readonly #family: IpFamily;
  #tables: ReadonlySet<string>;
  readonly #events: EventSubscription;

  constructor(connection: Connection, family: IpFamily, tables: readonly string[]) {
    this.#family = family;
    this.#tables = new Set(tables);
    this.#events = EventSubscription.open(connection, { kinds: ['commit', 'overrun'] });
  }

  watch(tables: readonly string[]): void {
    this.#tables = new Set(tables);
  }

  /** Of several that have come, the last. */
  async next(): Promise<Writer | undefined | null> {
    for (;;) {
      const { done, value } = await this.#events.next();
      if (done === true) return null;
      let found = this.#read(value as NftEvent);
      for (let event = this.#events.poll(); event !== undefined; event = this.#events.poll()) {
        const more = this.#read(event);
        if (more !== false) found = more;
      }
      if (found !== false) return found;
    }
  }
  close(): void {
    void this.#events.close();
  }

  /** False: it does not matter. */
  #read(event: NftEvent): Writer | undefined | false {
    if (event.kind === 'overrun') return undefined;
    // What the kernel says by itself is about none of it.
    if (event.kind !== 'commit' || event.own || event.tid === 0) return false;
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
