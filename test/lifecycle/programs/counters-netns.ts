// Watches counters in a namespace that has a name, and deletes the name; in a mount namespace of its own, with a /run of its own.
import { execFileSync } from 'node:child_process';
import { Iptables, type NetfilterError, Nftables } from '../../../lib/index.ts';

execFileSync('mount', ['-t', 'tmpfs', 'none', '/run']);
const results: Record<string, unknown> = {};
const netns = '/run/netns/blue';
for (const [name, open] of Object.entries({
  nftables: () => Nftables.open({ netns }),
  'iptables-nft': () => Iptables.open({ family: 'ip', backend: 'nft', netns }),
  'iptables-legacy': () => Iptables.open({ family: 'ip', backend: 'legacy', netns }),
})) {
  execFileSync('ip', ['netns', 'add', 'blue']);
  const client = await open();
  const states: string[] = [];
  for await (const { snapshot, error } of client.watchCounters({ intervalMs: 5 })) {
    const state =
      snapshot === undefined ? `${(error as NetfilterError).name} ${(error as NetfilterError).code}` : `${snapshot.length} rows`;
    if (states.at(-1) !== state) states.push(state);
    else continue;
    if (states.length === 1) execFileSync('ip', ['netns', 'del', 'blue']);
    else if (states.length === 2) {
      // Another one by the same name is not it.
      execFileSync('ip', ['netns', 'add', 'blue']);
      break;
    }
  }
  const after: string[] = [];
  for await (const { error } of client.watchCounters({ intervalMs: 5 })) {
    after.push(error?.code ?? 'none');
    if (after.length === 2) break;
  }
  results[name] = [...states, ...after];
  await client.close();
  execFileSync('ip', ['netns', 'del', 'blue']);
}
console.log(JSON.stringify(results));
