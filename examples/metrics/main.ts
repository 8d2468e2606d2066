// Counters of a host's rules for Prometheus, at /metrics. As root:
//
//   npm run setup && node build-test/examples/metrics/main.js --port 9430
//
//   --netns NAME|PATH      the network namespace whose rules are counted; the service itself listens in its own
//   --address 127.0.0.1    where it listens
//   --port 9430
//   --source NAME          nftables, iptables or ip6tables, any number of times. Default: nftables, which has the rules of iptables-nft too, and
//                          iptables and ip6tables where the host uses their legacy backend
//   --set "inet fw banned" a set or map whose elements are counted, any number of times
//   --max-series 1000      series of rules per source; what is beyond is summed into one
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { type Family, type Iptables, Nftables, type SetRef } from 'nflink';
import { NetfilterCollector } from 'nflink/prometheus';
import * as client from 'prom-client';
import { isSourceName, openSource, usage, wholeNumber } from '../options.ts';

const { values: o } = parseArgs({
  options: {
    netns: { type: 'string' },
    address: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '9430' },
    source: { type: 'string', multiple: true },
    set: { type: 'string', multiple: true, default: [] },
    'max-series': { type: 'string', default: '1000' },
  },
});

async function openSources(): Promise<(Nftables | Iptables)[]> {
  if (o.source !== undefined) {
    const names = o.source.map((name) => (isSourceName(name) ? name : usage(`--source ${name}: nftables, iptables or ip6tables`)));
    return await Promise.all(names.map((name) => openSource(name, o.netns)));
  }
  const sources: (Nftables | Iptables)[] = [await openSource('nftables', o.netns)];
  for (const name of ['iptables', 'ip6tables'] as const) {
    const source = await openSource(name, o.netns);
    // On nf_tables Nftables has them already.
    if ('backend' in source && source.backend.name === 'legacy') sources.push(source);
    else await source.close();
  }
  return sources;
}

const sets = o.set.map((words): SetRef => {
  const [family, table, name, ...more] = words.split(' ');
  if (family === undefined || table === undefined || name === undefined || more.length > 0) usage(`--set "${words}": "family table name"`);
  return { family: family as Family, table, name };
});

const ended = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
const sources = await openSources();
const registry = new client.Registry();
new NetfilterCollector(client, {
  sources,
  registers: [registry],
  // Sets are nftables'.
  sets: sources.some((s) => s instanceof Nftables) ? sets : [],
  maxSeries: wholeNumber('max-series', o['max-series'], 0),
  onError: (error, { source, of }) => console.error(`${source}, ${of}: ${error.message}`),
});

const server = createServer((request, response) => {
  if (request.url?.split('?')[0] !== '/metrics') {
    response.writeHead(404).end('/metrics\n');
    return;
  }
  registry.metrics().then(
    (text) => response.setHeader('content-type', registry.contentType).end(text),
    (err: unknown) => response.writeHead(500).end(`${String(err)}\n`),
  );
}).listen(wholeNumber('port', o.port, 0), o.address);
await once(server, 'listening');
const { address, port } = server.address() as AddressInfo;
console.log(`http://${address.includes(':') ? `[${address}]` : address}:${port}/metrics`);

await ended;
server.close();
server.closeAllConnections();
await Promise.all(sources.map((source) => source.close()));
