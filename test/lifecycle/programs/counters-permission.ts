// Watches counters while this process gives up its capabilities and takes them again; prints what each state's samples were.
import { Iptables, type NetfilterError, Nftables } from '../../../lib/index.ts';

const ROOT = 0;
const NOBODY = 65534;

const clients = {
  nftables: await Nftables.open(),
  'iptables-nft': await Iptables.open({ family: 'ip', backend: 'nft' }),
  'iptables-legacy': await Iptables.open({ family: 'ip', backend: 'legacy' }),
};
const results: Record<string, unknown> = {};
for (const [name, client] of Object.entries(clients)) {
  const watch = client.watchCounters({ intervalMs: 5 });
  const states: string[] = [];
  for await (const { snapshot, error } of watch) {
    const state =
      snapshot === undefined ? `${(error as NetfilterError).name} ${(error as NetfilterError).code}` : `${snapshot.length} rows`;
    if (states.at(-1) === state) continue;
    states.push(state);
    if (states.length === 1) process.seteuid?.(NOBODY);
    else if (states.length === 2) process.seteuid?.(ROOT);
    else break;
  }
  results[name] = states;
  await client.close();
}
console.log(JSON.stringify(results));
