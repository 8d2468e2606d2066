// Feeds a set with addresses that are blocked for a time. As root:
//
//   npm run setup && tail -F bad.txt | node build-test/examples/blocklist/main.js
//
// Reads lines from standard input, each an IPv4 address and, if it likes, its seconds: `192.0.2.7`, `192.0.2.7 3600`. An address that is blocked
// already begins its time anew, which needs Linux 6.12: before, the kernel keeps the time that is left.
//
//   --netns NAME|PATH      the network namespace. Default: this one
//   --set "inet edge blocked"   family, table and set; made where they are not there, with a chain that drops what comes from the addresses
//   --seconds 600          of lines that say none
//   --batch 100000         addresses of one transaction at most: while one is on its way, the next becomes as large as what comes meanwhile
//
// Prints a line a transaction. Ends with its input or Ctrl-C, after the transaction that is on its way; the set stays, and empties itself.
import { isIPv4 } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Family, NetfilterError, Nftables } from 'nflink';
import { netnsOf, usage, wholeNumber } from '../options.ts';
import { type Addresses, Batches } from './batches.ts';
import { block, type Edge, setUp } from './edge.ts';

const { values: o } = parseArgs({
  options: {
    netns: { type: 'string' },
    set: { type: 'string', default: 'inet edge blocked' },
    seconds: { type: 'string', default: '600' },
    batch: { type: 'string', default: '100000' },
  },
});
const [family, table, set, ...more] = o.set.split(' ');
if ((family !== 'inet' && family !== 'ip') || table === undefined || set === undefined || more.length > 0)
  usage(`--set "${o.set}": "family table name", the family inet or ip`);
const edge: Edge = { family: family satisfies Family, table, set };
const seconds = wholeNumber('seconds', o.seconds, 1);
const most = wholeNumber('batch', o.batch, 1);

/** After a transaction that failed. */
const AGAIN_MS = 1000;

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
const { signal } = stop;

await using nft = await Nftables.open(netnsOf(o.netns));
await setUp(nft, edge);
const batches = new Batches();
readLines();
console.log(`${o.set}: ready`);
for (;;) {
  const batch = await batches.next(most);
  if (batch === undefined || signal.aborted) break;
  try {
    const start = performance.now();
    await send(batch);
    console.log(`${batch.size} addresses in ${(performance.now() - start).toFixed(1)} ms`);
  } catch (err) {
    if (!(err instanceof NetfilterError)) throw err;
    console.error(`${err.code}: ${err.message}`);
    batches.putBack(batch);
    await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
  }
}

async function send(batch: Addresses): Promise<void> {
  try {
    await block(nft, edge, batch);
  } catch (err) {
    if (!(err instanceof NetfilterError) || err.code !== 'ENOENT') throw err;
    // Somebody has deleted the table.
    await setUp(nft, edge);
    await block(nft, edge, batch);
  }
}

function readLines(): void {
  let number = 0;
  createInterface({ input: process.stdin, signal })
    .on('line', (line) => {
      number++;
      const [address = '', time = '', ...rest] = line.trim().split(/\s+/);
      if (address === '') return;
      const of = time === '' ? seconds : Number(time);
      if (!isIPv4(address) || rest.length > 0 || !Number.isInteger(of) || of < 1) console.error(`line ${number}: ${line}`);
      else batches.add(address, of);
    })
    .on('close', () => {
      batches.end();
      process.stdin.destroy();
    });
}
