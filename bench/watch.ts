// What a service pays for counters beside waiting for them: time of its main thread, memory, delays of its event loop. See README.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileFloor } from './harness/floor.ts';
import { machine } from './harness/machine.ts';
import { type Backend, measuredBy } from './harness/measured.ts';
import { PrivateNamespace } from './harness/namespace.ts';
import { floorDumpChains, floorEntries } from './harness/real-rules.ts';
import { formatAims, formatMachine, mb, ms } from './harness/report.ts';
import type { Tools } from './harness/scenario.ts';
import { parseSizes } from './harness/sizes.ts';
import { statistics } from './harness/statistics.ts';
import { kubeRuleSet } from './kube.ts';
import type { PollFigures, PollRequest, WatchFigures, WatchRequest } from './watched-process.ts';

const USAGE = `npm run bench:watch -- [options]
  --backend NAME    nft or legacy (default both)
  --polled SIZE     rules of the polls that are measured one by one (default 100k)
  --watched SIZE    rules of the watch (default 10k)
  --seconds N       how long it lasts (default 60); its first sixth is left out
  --interval MS     between its polls (default 100)
  --json FILE       all figures into FILE
  --help`;
const POLLS = 10;

interface Found {
  readonly backend: Backend;
  readonly rules: number;
  /** Of the messages, or of legacy tables' entries. */
  readonly bytes: number;
  readonly figures: PollFigures | WatchFigures;
}

function readArguments() {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string' },
      polled: { type: 'string', default: '100k' },
      watched: { type: 'string', default: '10k' },
      seconds: { type: 'string', default: '60' },
      interval: { type: 'string', default: '100' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (text: string): number => parseSizes(text)[0] as number;
  const backends = (['nft', 'legacy'] as const).filter((name) => values.backend === undefined || values.backend === name);
  if (backends.length === 0) throw new Error(`no backend ${values.backend}: nft and legacy are`);
  const { help, json, polled, watched, seconds, interval } = values;
  return { help, json, backends, polled: number(polled), watched: number(watched), seconds: number(seconds), interval: number(interval) };
}

async function main(): Promise<number> {
  let o: ReturnType<typeof readArguments>;
  try {
    o = readArguments();
  } catch (err) {
    console.error(`${(err as Error).message}\n\n${USAGE}`);
    return 1;
  }
  if (o.help) {
    console.log(USAGE);
    return 0;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nflink-bench-'));
  try {
    const tools: Tools = { folder, floor: (name) => compileFloor(name, folder) };
    const here = machine();
    console.log(`${formatMachine(here)}\n`);
    const all: Found[] = [];
    for (const backend of o.backends) {
      const polled = await loaded(backend, o.polled, tools, (where) => measured<PollFigures>({ kind: 'polls', ...where, polls: POLLS }));
      console.log(formatPolls(polled));
      const { seconds, interval: intervalMs } = o;
      const watched = await loaded(backend, o.watched, tools, (where) =>
        measured<WatchFigures>({ kind: 'watch', ...where, seconds, intervalMs }),
      );
      console.log(formatWatch(watched, seconds));
      all.push(polled, watched);
    }
    if (o.json !== undefined)
      writeFileSync(o.json, `${JSON.stringify({ date: new Date().toISOString(), machine: here, results: all }, undefined, 1)}\n`);
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

type Where = Pick<PollRequest, 'pid' | 'backend' | 'rules'>;

/** Measures beside a kube-proxy rule set in a fresh namespace. */
async function loaded<F>(
  backend: Backend,
  size: number,
  tools: Tools,
  measure: (where: Where) => Promise<F>,
): Promise<Found & { readonly figures: F }> {
  const { text, rules } = kubeRuleSet({ rules: size, endpoints: 5 });
  await using ns = await PrivateNamespace.create();
  await ns.must(`iptables-${backend}-restore`, [], { input: text });
  const { bytes } = backend === 'nft' ? await floorDumpChains(ns, tools) : await floorEntries(ns, tools, ['filter', 'nat']);
  return { backend, rules, bytes, figures: await measure({ pid: ns.pid, backend, rules }) } as Found & { readonly figures: F };
}

async function measured<F>(request: PollRequest | WatchRequest): Promise<F> {
  return (await measuredBy(new URL('./watched-process.js', import.meta.url), request)) as F;
}

function formatPolls({ backend, rules, bytes, figures: f }: Found & { readonly figures: PollFigures }): string {
  const [later, delays] = [statistics(f.later), statistics(f.delays)];
  return formatAims(`${backend}: polls of ${rules} rules, ${mb(bytes)} of messages`, [
    ['main thread, first poll', `${ms(f.first)} ms`, '< 5'],
    ['main thread, polls after it', `${ms(later.median)} ms, at most ${ms(later.max)}`, '< 5'],
    ['delay of the event loop', `${ms(delays.median)} ms, at most ${ms(delays.max)}`, '< 5'],
    ['peak memory above the baseline', `${mb(f.peakBytes)}, ${(f.peakBytes / bytes).toFixed(2)}× the messages`, '≤ 2×'],
  ]);
}

function formatWatch({ backend, rules, figures: f }: Found & { readonly figures: WatchFigures }, seconds: number): string {
  return formatAims(`${backend}: a watch of ${rules} rules, ${f.polls} polls in ${seconds} s, ${f.skipped} skipped`, [
    ['main thread a poll', `${ms(f.mainThread)} ms`, ''],
    ['memory grows by', `${mb(f.growth)} a minute`, '< 1 MB'],
    ['delay of the event loop, 99th percentile', `${ms(f.delays.p99)} ms, at most ${ms(f.delays.max)}`, '≤ 10'],
    ['the same of an idle process', `${ms(f.idle.p99)} ms, at most ${ms(f.idle.max)}`, ''],
  ]);
}

process.exitCode = await main();
