// Workers that are terminated while they change a legacy table or wait for its lock; afterwards the table is whole, the lock is free, and
// the process lives. argv is the namespace, what they do and how many there are.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Iptables } from '../../../lib/index.ts';

const RULES = 2000;
interface Task {
  readonly netns: string;
  readonly what: string;
  readonly round: number;
}

function text(round: number): string {
  const rules = Array.from({ length: RULES }, (_, i) => `-A c${round} -m comment --comment n${i} -j ACCEPT`);
  return `*filter\n:c${round} - [0:0]\n${rules.join('\n')}\nCOMMIT\n`;
}

async function worker({ netns, what, round }: Task): Promise<void> {
  const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns, lockTimeoutMs: 3_600_000 });
  const calls = [ipt.restore(text(round), { noflush: true })];
  if (what === 'read') for (let i = 0; i < 5; i++) void ipt.counters().catch(() => {});
  setImmediate(() => parentPort?.postMessage('at work'));
  await Promise.all(calls);
}

async function main(netns: string, what: string, rounds: number): Promise<void> {
  const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns, lockTimeoutMs: 3_600_000 });
  for (let round = 0; round < rounds; round++) {
    const task: Task = { netns, what, round };
    const started = new Worker(fileURLToPath(import.meta.url), { workerData: task });
    await new Promise((resolve, reject) => {
      started.once('message', resolve);
      started.once('error', reject);
    });
    // The first is let be, so that there is something to find, unless it could only wait; the others are ended at different moments
    // of the work: whichever it hits must be harmless.
    if (round === 0 && what !== 'wait') await new Promise((resolve) => started.once('exit', resolve));
    else await sleep((round % 4) * round);
    await started.terminate();
  }
  console.log('the workers are gone');
  // A commit whose worker is gone may still be under way in its thread: this one waits for its lock.
  await ipt.newChain('filter', 'barrier');
  const table = (await ipt.snapshot({ tables: ['filter'] })).table('ip', 'filter');
  let whole = 0;
  for (const chain of table?.chains ?? []) {
    if (chain.hook !== undefined || chain.name === 'barrier') continue;
    if (chain.rules.length !== RULES) throw new Error(`chain ${chain.name} has ${chain.rules.length} rules`);
    whole++;
  }
  await ipt.close();
  console.log(JSON.stringify({ whole }));
}

if (isMainThread) await main(process.argv[2] as string, process.argv[3] as string, Number(process.argv[4]));
else await worker(workerData as Task);
