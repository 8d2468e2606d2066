// Follows a changing list of services as kube-proxy does, writing only what has changed. As root:
//
//   npm run setup && node build-test/examples/kube-proxy/main.js --file services.json
//
//   --file FILE         [{ "name": "shop/web", "ip": "10.96.0.10", "port": 80, "endpoints": ["10.1.0.2:8080"] }, …], read again when it changes.
//                       Without it: lines of standard input, each one such service that comes or changes, or { "name": "shop/web", "gone": true };
//                       ends when they do
//   --netns NAME|PATH   the network namespace. Default: this one
//   --backend auto      legacy, nft, or what the host uses
//   --resync 30         seconds after which it looks again at the latest, and puts back what others have changed
//   --cleanup           deletes its chains and jumps, and ends
//
// Prints rules added, removed and kept, where something was written. Ctrl-C ends it; the rules stay.
import { parseArgs } from 'node:util';
import { compile, Iptables, NetfilterError, type SyncReport } from 'nflink';
import { netnsOf, usage } from '../options.ts';
import { Latest } from './latest.ts';
import { nothing, saveText, scope } from './rules.ts';
import type { Services } from './services.ts';
import { followFile, followLines } from './sources.ts';

const { values: o } = parseArgs({
  options: {
    file: { type: 'string' },
    netns: { type: 'string' },
    backend: { type: 'string', default: 'auto' },
    resync: { type: 'string', default: '30' },
    cleanup: { type: 'boolean', default: false },
  },
});
const { backend } = o;
if (backend !== 'auto' && backend !== 'legacy' && backend !== 'nft') usage(`--backend ${backend}: auto, legacy or nft`);
const seconds = Number(o.resync);
if (!(seconds >= 0.001)) usage(`--resync ${o.resync}: seconds, from 0.001`);

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
const { signal } = stop;

await using ipt = await Iptables.open({ family: 'ip', backend, ...netnsOf(o.netns) });
console.log(ipt.backend.why);
if (o.cleanup) await cleanUp();
else await follow();

async function follow(): Promise<void> {
  const latest = new Latest<Services>();
  const complain = (why: string): void => console.error(why);
  if (o.file === undefined) followLines(process.stdin, latest, complain, signal);
  else followFile(o.file, latest, complain, signal);
  let services: Services | undefined;
  let desired = compile(nothing);
  for await (const now of latest.values(seconds * 1000, signal)) {
    // The result of compile() is worth keeping: a sync that has nothing to do costs microseconds a rule less.
    if (now !== services) [services, desired] = [now, compile(saveText(now))];
    try {
      print(await ipt.sync(desired, scope, { signal }));
    } catch (err) {
      if (signal.aborted) return;
      // The next change or resync tries again.
      if (!(err instanceof NetfilterError)) throw err;
      console.error(`${err.code}: ${err.message}${err.outcome === 'partly-applied' ? `; done: ${err.tables?.join(', ')}` : ''}`);
    }
  }
}

/** The jumps first: a chain that one leads to can't be deleted. */
async function cleanUp(): Promise<void> {
  for (const { table, chain, rule } of scope.jumps) await ipt.deleteIfExists(table, chain, rule);
  print(await ipt.sync(nothing, { tables: scope.tables, chains: scope.chains }));
}

function print({ added, removed, moved, kept, retries }: SyncReport): void {
  if (added + removed + moved === 0) return;
  const more = `${moved === 0 ? '' : `, ${moved} moved`}${retries === 0 ? '' : `, ${retries} retries`}`;
  console.log(`+${added} -${removed} =${kept}${more}`);
}
