// Mirrors nobody closes, on a connection that stays open: it keeps none of them, nor do their timers.
import { readdirSync } from 'node:fs';
import { Iptables } from '../../../lib/index.ts';

const COUNT = 100;
const [netns, backend] = process.argv.slice(2) as [string, 'nft' | 'legacy'];
const descriptors = (): number => readdirSync('/proc/self/fd').length;
const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
const collect = (globalThis as unknown as { gc(): void }).gc;

const ipt = await Iptables.open({ family: 'ip', backend, netns });
await ipt.append('filter', 'INPUT', '-j DROP');
const collected = new Set<number>();
const registry = new FinalizationRegistry<number>((n) => collected.add(n));

async function forget(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const mirror = await ipt.mirror({ tables: ['filter'], pollMs: 5 });
    if (n % 2 === 0) mirror.exists('filter', 'INPUT', '-j DROP');
    if (n % 10 === 0) await mirror.close();
    registry.register(mirror, n);
  }
}

const before = descriptors();
await forget(COUNT);
// The last one or two may still be referred to by something.
const few = (): boolean => collected.size >= COUNT - 4 && descriptors() <= before + 8 && timers() <= 4;
for (let i = 0; i < 2000 && !few(); i++) {
  collect();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
if (!few()) throw new Error(`${collected.size} of ${COUNT} collected, ${descriptors()} descriptors, ${before} before, ${timers()} timers`);
await ipt.close();
console.log('collected');
