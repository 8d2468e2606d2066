// Connections nobody closes: they end with their last reference, and do not keep the process alive.
import { readdirSync } from 'node:fs';
import { Nftables } from '../../../lib/index.ts';

const netns = process.argv[2] as string;
const open = (): number => readdirSync('/proc/self/fd').length;
const collect = (globalThis as unknown as { gc(): void }).gc;

async function forget(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const nft = i % 2 === 0 ? await Nftables.open({ netns }) : Nftables.openSync({ netns });
    await nft.snapshot();
  }
}

await forget(1);
const before = open();
await forget(50);
const most = open();
if (most < before + 50) throw new Error(`${most} descriptors after 50 connections, ${before} before: nothing was held open`);
for (let i = 0; i < 1000 && open() > before + 4; i++) {
  collect();
  await new Promise((resolve) => setImmediate(resolve));
}
if (open() > before + 4) throw new Error(`${open()} descriptors are still open, ${before} were before`);
const kept = await Nftables.open({ netns });
await kept.snapshot();
// A commit nobody waits for is finished before the process ends by itself.
const tx = kept.transaction();
tx.add({ table: { family: 'ip', name: 'late' } });
void tx.commit();
console.log('the end of the program');
