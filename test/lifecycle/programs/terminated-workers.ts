// Workers that are terminated while they commit or read; afterwards the process is whole and the kernel's state is too.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Nftables } from '../../../lib/index.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

const ROUNDS = 30;
const RULES = 3000;
interface Task {
  readonly netns: string;
  readonly what: string;
  readonly round: number;
}

async function worker({ netns, what, round }: Task): Promise<void> {
  const nft = await Nftables.open({ netns });
  if (what === 'commit') {
    const tx = nft.transaction();
    addChains(tx, `c${round}`);
    for (let i = 0; i < RULES; i++) tx.add(ruleNamed('x', `c${round}`));
    const done = tx.commit({ handles: round % 2 === 0 });
    setImmediate(() => parentPort?.postMessage('at work'));
    await done;
  } else {
    setImmediate(() => parentPort?.postMessage('at work'));
    for (;;) await Promise.all([nft.snapshot(), nft.counters()]);
  }
}

async function main(netns: string, what: string): Promise<void> {
  const nft = await Nftables.open({ netns });
  if (what === 'dump') {
    const tx = nft.transaction();
    addChains(tx, 'c');
    for (let i = 0; i < 10 * RULES; i++) tx.add(ruleNamed('x'));
    await tx.commit();
  }
  for (let round = 0; round < ROUNDS; round++) {
    const task: Task = { netns, what, round };
    const started = new Worker(fileURLToPath(import.meta.url), { workerData: task });
    await new Promise((resolve, reject) => {
      started.once('message', resolve);
      started.once('error', reject);
    });
    // At different moments of the work; whichever it hits must be harmless.
    if (round % 3 > 0) await sleep(round);
    await started.terminate();
  }
  // A commit whose worker is gone may still be under way in its thread: another transaction waits for it in the kernel.
  const barrier = nft.transaction();
  addChains(barrier, 'barrier');
  await barrier.commit();
  const snapshot = await nft.snapshot();
  for (const chain of snapshot.table('ip', 't')?.chains ?? []) {
    const whole = chain.name === 'barrier' ? [0] : chain.name === 'c' ? [10 * RULES] : [RULES];
    if (!whole.includes(chain.rules.length)) throw new Error(`chain ${chain.name} has ${chain.rules.length} rules`);
  }
  await nft.close();
  console.log(`terminated ${ROUNDS} workers`);
}

if (isMainThread) await main(process.argv[2] as string, process.argv[3] as string);
else await worker(workerData as Task);
