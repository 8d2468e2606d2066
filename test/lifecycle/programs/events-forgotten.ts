// Subscriptions nobody closes: their sockets end with the last reference to them and their connection.
import { readdirSync } from 'node:fs';
import { Nftables } from '../../../lib/index.ts';

const netns = process.argv[2] as string;
const open = (): number => readdirSync('/proc/self/fd').length;
const collect = (globalThis as unknown as { gc(): void }).gc;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

let names = 0;
async function forget(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const nft = await Nftables.open({ netns });
    const events = nft.events();
    const tx = nft.transaction();
    tx.add({ table: { family: 'ip', name: `t${names++}` } });
    tx.add({ table: { family: 'ip', name: `t${names++}` } });
    await tx.commit();
    // Some with a batch half read, some never read.
    if (i % 2 === 0) await events.next();
  }
}

await forget(1);
const before = open();
await forget(30);
const most = open();
if (most < before + 30) throw new Error(`${most} descriptors after 30 connections, ${before} before: nothing was held open`);
// Four more than before may be the last ones, which something still refers to.
for (let i = 0; i < 5000 && open() > before + 6; i++) {
  collect();
  await turn();
}
if (open() > before + 6) throw new Error(`${open()} descriptors are still open, ${before} were before`);
console.log('collected');
