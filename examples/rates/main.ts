// The busiest rules, live. As root:
//
//   npm run setup && node build-test/examples/rates/main.js
//
//   --netns NAME|PATH   the network namespace. Default: this one
//   --source NAME       nftables (the default, which has the rules of iptables-nft too), iptables or ip6tables
//   --table NAME        only that table: `filter`; of nftables `inet filter`
//   --interval 1        seconds between two polls
//   --top 20            rules shown
//   --count N           ends after so many lists
//
// On a terminal each list takes the place of the one before; in a pipe they follow each other. Ctrl-C ends it.
import { parseArgs } from 'node:util';
import { type CounterSample, type Family, Iptables, type RuleDelta, type Subscription } from 'nflink';
import { isSourceName, openSource, usage, wholeNumber } from '../options.ts';
import { RateScreen } from './screen.ts';

const { values: o } = parseArgs({
  options: {
    netns: { type: 'string' },
    source: { type: 'string', default: 'nftables' },
    table: { type: 'string' },
    interval: { type: 'string', default: '1' },
    top: { type: 'string', default: '20' },
    count: { type: 'string' },
  },
});
if (!isSourceName(o.source)) usage(`--source ${o.source}: nftables, iptables or ip6tables`);
const seconds = Number(o.interval);
if (!(seconds >= 0.001)) usage(`--interval ${o.interval}: seconds, from 0.001`);
const top = wholeNumber('top', o.top, 1);
let left = o.count === undefined ? Infinity : wholeNumber('count', o.count, 1);

const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
process.once('SIGTERM', () => stop.abort());
// As of `| head`: nobody reads any more.
process.stdout.on('error', () => stop.abort());

const source = await openSource(o.source, o.netns);
const screen = new RateScreen();
for await (const { snapshot, error, deltas, skipped } of watch()) {
  if (error !== undefined) screen.say(error.message);
  else {
    const moving = busiest(deltas);
    const late = skipped === 0 ? '' : `, ${skipped} polls skipped`;
    screen.show(`${new Date().toISOString()} ${snapshot?.length ?? 0} rules, ${moving.length} of them busy${late}`, moving.slice(0, top));
  }
  if (--left <= 0) break;
}
await source.close();

function watch(): Subscription<CounterSample> {
  const options = { intervalMs: seconds * 1000, signal: stop.signal };
  if (source instanceof Iptables) return source.watchCounters(o.table === undefined ? options : { ...options, table: o.table });
  if (o.table === undefined) return source.watchCounters(options);
  const [family, name] = o.table.split(' ');
  if (family === undefined || name === undefined) usage(`--table ${o.table}: of nftables "family name"`);
  return source.watchCounters({ ...options, table: { family: family as Family, name } });
}

/** Rules that have counted since the last sample, the busiest first. */
function busiest(deltas: Iterable<RuleDelta>): RuleDelta[] {
  return [...deltas].filter((d) => d.packets > 0n).sort((a, b) => b.packetsPerSecond - a.packetsPerSecond);
}
