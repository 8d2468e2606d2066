// Ends the process with process.exit(7) while a legacy table is being changed: argv is the namespace and how many turns to wait.
import { Iptables } from '../../../lib/index.ts';

const [netns, turns] = process.argv.slice(2) as [string, string];
const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns, lockTimeoutMs: 3_600_000 });
const rules = Array.from({ length: 5000 }, (_, i) => `-A e -m comment --comment n${i} -j ACCEPT`);
void ipt.restore(`*filter\n:e - [0:0]\n${rules.join('\n')}\nCOMMIT\n`);
for (let i = 0; i < 3; i++) void ipt.counters().catch(() => {});
for (let turn = 0; turn < Number(turns); turn++) await new Promise((resolve) => setImmediate(resolve));
process.exit(7);
