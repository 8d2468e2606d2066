// Workers that are terminated while events are delivered to them, while they take some, and while they wait for some.
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Connection } from '../../../lib/connection.ts';
import { Nftables } from '../../../lib/index.ts';
import { GROUP_COMMITS } from '../../../lib/native.ts';
import { runSync } from '../../../lib/run.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

const ROUNDS = 30;

interface Work {
  readonly netns: string;
  /** It never lets its event loop turn. */
  readonly takes: boolean;
}

async function worker({ netns, takes }: Work): Promise<void> {
  const nft = await Nftables.open({ netns });
  // One that is read, one that is never read, one that waits for what never comes.
  const read = nft.events();
  nft.events();
  void nft.events({ kinds: ['trace'] }).next();
  const limits = { receiveBytes: 1 << 20, queueBytes: 1 << 20 };
  const { source } = runSync(Connection.open(netns)).subscribe(GROUP_COMMITS, limits, { connectionClosed: () => {} });
  source.pull(() => {});
  parentPort?.postMessage('at work');
  while (takes) {
    source.take(20);
    source.generation();
  }
  for await (const event of read) if (event.kind === 'commit') JSON.stringify(event.changes.length);
}

async function main(netns: string): Promise<void> {
  const nft = await Nftables.open({ netns });
  const begin = nft.transaction();
  addChains(begin, 'c');
  await begin.commit();
  for (let round = 0; round < ROUNDS; round++) {
    const started = new Worker(fileURLToPath(import.meta.url), { workerData: { netns, takes: round % 2 === 1 } satisfies Work });
    await new Promise((resolve, reject) => {
      started.once('message', resolve);
      started.once('error', reject);
    });
    const commits = (async () => {
      for (let i = 0; i < 10; i++) {
        const tx = nft.transaction();
        tx.flush({ chain: { family: 'ip', table: 't', name: 'c' } });
        for (let n = 0; n < 300; n++) tx.add(ruleNamed('x'));
        await tx.commit({ handles: false });
      }
    })();
    // At different moments; whichever it hits must be harmless.
    if (round % 3 > 0) await sleep(round);
    await started.terminate();
    await commits;
  }
  await nft.close();
  console.log(`terminated ${ROUNDS} workers`);
}

if (isMainThread) await main(process.argv[2] as string);
else await worker(workerData as Work);
