// Ends with a mirror open, or a drift watch that nobody waits for: argv is the namespace, the backend and how.
import { Iptables } from '../../../lib/index.ts';

const [netns, backend, how] = process.argv.slice(2) as [string, 'nft' | 'legacy', string];
const ipt = await Iptables.open({ family: 'ip', backend, netns });
const mirror = await ipt.mirror({ pollMs: 20 });
if (how === 'refreshed') {
  await ipt.append('filter', 'INPUT', '-j DROP');
  const refreshed = mirror.refresh();
  mirror.list('filter');
  await refreshed;
  await ipt.delete('filter', 'INPUT', '-j DROP');
}
if (how === 'watched') {
  const other = await Iptables.open({ family: 'ip', backend, netns });
  const drifts = ipt.watchDrift(() => '*filter\n:A - [0:0]\n-A A -j DROP\nCOMMIT\n', {}, { minIntervalMs: 10 });
  const seen = [await drifts.next()];
  await other.newChain('filter', 'A');
  seen.push(await drifts.next());
  if (!seen.every(({ value }) => value?.kind === 'drift')) throw new Error(JSON.stringify(seen));
}
console.log('the end of the program');
