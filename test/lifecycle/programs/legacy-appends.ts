// Appends rules to one legacy table, one call each: argv is the namespace, how many rules, and names. Of one name this thread does
// it, of several a worker thread each.
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';
import { Iptables } from '../../../lib/index.ts';

interface Task {
  readonly netns: string;
  readonly count: number;
  readonly name: string;
}

async function append({ netns, count, name }: Task): Promise<void> {
  // Long enough for every other writer's rules: nobody gives up.
  const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', netns, lockTimeoutMs: 240_000 });
  for (let i = 0; i < count; i++) {
    const rule = `-m comment --comment ${name}-${i} -j ACCEPT`;
    if (i % 4 === 3) ipt.appendSync('filter', 'INPUT', rule);
    else await ipt.append('filter', 'INPUT', rule);
  }
  await ipt.close();
}

if (isMainThread) {
  const [netns, count, ...names] = process.argv.slice(2) as [string, string, ...string[]];
  const tasks: Task[] = names.map((name) => ({ netns, count: Number(count), name }));
  if (tasks.length === 1) await append(tasks[0] as Task);
  else {
    await Promise.all(
      tasks.map(
        (task) =>
          new Promise<void>((resolve, reject) => {
            const worker = new Worker(fileURLToPath(import.meta.url), { workerData: task });
            worker.once('error', reject);
            worker.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))));
          }),
      ),
    );
  }
  console.log('appended');
} else await append(workerData as Task);
