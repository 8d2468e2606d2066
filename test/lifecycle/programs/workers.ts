// Several worker threads and the main thread, each with connections of its own in a namespace of its own.
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Nftables } from '../../../lib/index.ts';
import { addChains, ruleNamed } from '../../support/nft.ts';

async function work(netns: string, name: string): Promise<string[]> {
  const [a, b] = [await Nftables.open({ netns }), Nftables.openSync({ netns })];
  const setup = a.transaction();
  addChains(setup, 'c');
  await setup.commit();
  for (let i = 0; i < 20; i++) {
    const tx = (i % 2 === 0 ? a : b).transaction();
    tx.add(ruleNamed(`${name}-${i}`));
    if (i % 4 < 2) await tx.commit();
    else tx.commitSync();
    await Promise.all([a.snapshot(), b.counters(), a.counters()]);
  }
  const comments = [...(await b.snapshot()).rules()].map((r) => r.comment ?? '');
  await Promise.all([a.close(), b.close()]);
  return comments;
}

if (isMainThread) {
  const namespaces = process.argv.slice(2);
  const results = await Promise.all(
    namespaces.map(async (netns, i) => {
      if (i === 0) return await work(netns, 'n0');
      const started = new Worker(fileURLToPath(import.meta.url), { workerData: { netns, name: `n${i}` } });
      const result = new Promise<string[]>((resolve, reject) => {
        started.once('message', resolve);
        started.once('error', reject);
      });
      const ended = new Promise((resolve) => started.once('exit', resolve));
      const comments = await result;
      await ended;
      return comments;
    }),
  );
  console.log(JSON.stringify(results));
} else {
  const { netns, name } = workerData as { netns: string; name: string };
  parentPort?.postMessage(await work(netns, name));
}
