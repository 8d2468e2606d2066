// Calls through a queue at a steady rate, beside a kube-proxy rule set: how long each takes, and what they cost the process. See README.md.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from './harness/machine.ts';
import { type Backend, measuredBy } from './harness/measured.ts';
import { PrivateNamespace } from './harness/namespace.ts';
import { formatAims, formatMachine, mb, ms } from './harness/report.ts';
import { parseSizes } from './harness/sizes.ts';
import { quantile } from './harness/statistics.ts';
import { kubeRuleSet } from './kube.ts';
import type { QueueFigures, QueueRequest } from './queueing-process.ts';

const USAGE = `npm run bench:queue -- [options]
  --backend NAME    nft or legacy (default both)
  --rules SIZE      rules beside which it happens (default 10k)
  --rate N          calls a second (default 1000)
  --seconds N       how long it lasts (default 60); memory and the event loop are looked at after its first sixth
  --json FILE       all figures into FILE
  --help`;

function readArguments() {
  const { values } = parseArgs({
    options: {
      backend: { type: 'string' },
      rules: { type: 'string', default: '10k' },
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '60' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const number = (text: string): number => parseSizes(text)[0] as number;
  const backends = (['nft', 'legacy'] as const).filter((name) => values.backend === undefined || values.backend === name);
  if (backends.length === 0) throw new Error(`no backend ${values.backend}: nft and legacy are`);
  const { help, json, rules, rate, seconds } = values;
  return { help, json, backends, rules: number(rules), rate: number(rate), seconds: number(seconds) };
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
  const here = machine();
  console.log(`${formatMachine(here)}\n`);
  const results: { readonly backend: Backend; readonly rules: number; readonly figures: QueueFigures }[] = [];
  let lost = 0;
  for (const backend of o.backends) {
    const { text, rules } = kubeRuleSet({ rules: o.rules, endpoints: 5 });
    await using ns = await PrivateNamespace.create();
    await ns.must(`iptables-${backend}-restore`, [], { input: text });
    const request: QueueRequest = { pid: ns.pid, backend, rules, rate: o.rate, seconds: o.seconds };
    const figures = (await measuredBy(new URL('./queueing-process.js', import.meta.url), request)) as QueueFigures;
    console.log(format(request, figures));
    results.push({ backend, rules, figures });
    lost += figures.lost;
  }
  if (o.json !== undefined)
    writeFileSync(o.json, `${JSON.stringify({ date: new Date().toISOString(), machine: here, results }, undefined, 1)}\n`);
  return lost === 0 ? 0 : 1;
}

function format({ backend, rules, rate, seconds }: QueueRequest, f: QueueFigures): string {
  const took = [...f.took].sort((a, b) => a - b);
  return formatAims(`${backend}: ${f.calls} calls, ${rate} a second for ${seconds} s, beside ${rules} rules`, [
    ['lost', `${f.lost}`, '0'],
    ['a call, median', `${ms(quantile(took, 0.5))} ms`, ''],
    ['a call, 99th percentile', `${ms(quantile(took, 0.99))} ms, at most ${ms(took.at(-1) ?? 0)}`, '≤ 100'],
    ['delay of the event loop, 99th percentile', `${ms(f.delays.p99)} ms, at most ${ms(f.delays.max)}`, '≤ 20'],
    ['the same of an idle process', `${ms(f.idle.p99)} ms, at most ${ms(f.idle.max)}`, ''],
    ['main thread', `${(f.mainThread * 100).toFixed(0)} % of a core`, ''],
    ['memory grows by', `${mb(f.growth)} a minute`, '< 1 MB'],
  ]);
}

process.exitCode = await main();
