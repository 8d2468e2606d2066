// Messages that nflink's verbs would not write, sent as they are: what the kernel itself says to them.
import { Connection } from '../../lib/connection.ts';
import type { NetfilterError } from '../../lib/index.ts';
import { Batch } from '../../lib/nftables/batch.ts';
import { sendBatch } from '../../lib/nftables/send.ts';
import { runSync } from '../../lib/run.ts';
import type { AttributeTable } from '../../lib/wire/table.ts';

export interface RawMessage<T extends object> {
  /** NFT_MSG_*. */
  readonly type: number;
  readonly flags: number;
  readonly family: number;
  readonly table: AttributeTable<T>;
  readonly value: T;
}

/** The kernel's errno for a batch of one message, or 'applied'. */
export function kernelSays<T extends object>(netns: string, o: RawMessage<T>): string {
  const connection = runSync(Connection.open(netns));
  try {
    const batch = new Batch();
    o.table.encode(batch.writer, o.value);
    batch.push({ type: o.type, flags: o.flags, family: o.family }, { verb: 'send', object: { message: {} } });
    connection.runSync('commit', () => sendBatch(connection, batch, {}), true);
    return 'applied';
  } catch (err) {
    return (err as NetfilterError).code;
  } finally {
    connection.closeSync();
  }
}
