// Opens iptables on legacy tables in the process's own namespace, reads and writes, and prints what came of each.
import { Iptables, type NetfilterError } from '../../../lib/index.ts';

const results: Record<string, unknown> = {};
let ipt: Iptables | undefined;
for (const [name, call] of Object.entries({
  open: async () => {
    ipt = await Iptables.open({ family: 'ip', backend: 'legacy' });
  },
  openSync: () => Iptables.openSync({ family: 'ip6', backend: 'legacy' }).close(),
  save: () => ipt?.save(),
  append: () => ipt?.append('filter', 'INPUT', '-j ACCEPT'),
  appendSync: () => ipt?.appendSync('filter', 'INPUT', '-j ACCEPT'),
  restore: () => ipt?.restore('*filter\n-A INPUT -j DROP\nCOMMIT\n'),
  auto: async () => {
    const chosen = await Iptables.open({ family: 'ip' });
    await chosen.close();
    return chosen.backend;
  },
})) {
  if (ipt === undefined && ['save', 'append', 'appendSync', 'restore'].includes(name)) continue;
  try {
    results[name] = (await call()) ?? 'done';
  } catch (err) {
    const { code, outcome, message } = err as NetfilterError;
    results[name] = { code, outcome, message };
  }
}
await ipt?.close();
console.log(JSON.stringify(results));
