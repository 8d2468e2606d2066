// Opens a connection, in the namespace of argv or the process's own ('' too), and prints what came of it; with a second word `legacy` that too.
import { Iptables, type NetfilterError, Nftables } from '../../../lib/index.ts';

const at = process.argv[2] === undefined || process.argv[2] === '' ? {} : { netns: process.argv[2] };
const results: Record<string, unknown> = {};
for (const [name, open] of Object.entries({
  'Nftables.open': () => Nftables.open(at),
  'Nftables.openSync': () => Nftables.openSync(at),
  'Iptables.open': () => Iptables.open({ family: 'ip', backend: 'nft', ...at }),
  ...(process.argv[3] === 'legacy' ? { 'Iptables.open of legacy': () => Iptables.open({ family: 'ip', backend: 'legacy', ...at }) } : {}),
})) {
  try {
    await (await open()).close();
    results[name] = 'open';
  } catch (err) {
    const { code, outcome, message } = err as NetfilterError;
    results[name] = { code, outcome, message };
  }
}
console.log(JSON.stringify(results));
