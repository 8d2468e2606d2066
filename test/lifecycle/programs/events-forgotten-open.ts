// Subscriptions nobody closes, on a connection that stays open and with a signal that is never aborted: neither keeps them.
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { Nftables } from '../../../lib/index.ts';

const COUNT = 300;
const netns = process.argv[2] as string;
const open = (): number => readdirSync('/proc/self/fd').length;
const collect = (globalThis as unknown as { gc(): void }).gc;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const nft = await Nftables.open({ netns });
const { signal } = new AbortController();
const listeners = (): number => getEventListeners(signal, 'abort').length;

let names = 0;
async function forget(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const events = nft.events(i % 2 === 0 ? {} : { signal });
    if (i % 50 > 1) continue;
    // Some were read once, with and without the signal.
    const tx = nft.transaction();
    tx.add({ table: { family: 'ip', name: `t${names++}` } });
    await tx.commit();
    await events.next();
  }
}

await forget(2);
const before = open();
const kept = nft.events({ signal });
await forget(COUNT);
if (open() < before + COUNT / 2) throw new Error(`${open()} descriptors, ${before} before: nothing was held open`);
// Its own, and the last one or two, which something may still refer to.
const few = (): boolean => open() <= before + 4 && listeners() <= 4;
for (let i = 0; i < 5000 && !few(); i++) {
  collect();
  await turn();
}
if (!few()) throw new Error(`${open()} descriptors and ${listeners()} listeners are left, ${before} descriptors were before`);
const ended = kept.next();
await nft.close();
console.log('collected', (await ended).done);
