// The benchmarks: nflink beside the real programs and beside the least the kernel's interface allows. See README.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileFloor } from './harness/floor.ts';
import { type Machine, machine } from './harness/machine.ts';
import { formatMachine, formatResult } from './harness/report.ts';
import { type Result, runScenario } from './harness/run.ts';
import type { Tools } from './harness/scenario.ts';
import { parseSizes } from './harness/sizes.ts';
import { scenarios } from './scenarios/index.ts';

const USAGE = `npm run bench -- [options]
  --filter TEXT   only scenarios whose name has TEXT in it (${scenarios.map((s) => s.name).join(', ')})
  --sizes LIST    rules, such as 1k,10k,100k (default 1k,10k)
  --quick         5 repetitions
  --json FILE     machine, versions and every sample into FILE
  --help`;

const WARM_UPS = 3;
const QUICK = { repetitions: 5, warmUps: 2 };

/** What --json writes. */
interface Report {
  readonly date: string;
  readonly machine: Machine;
  readonly results: readonly Result[];
}

async function main(): Promise<number> {
  const { values: o } = parseArgs({
    options: {
      filter: { type: 'string', default: '' },
      sizes: { type: 'string', default: '1k,10k' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const chosen = scenarios.filter((s) => s.name.includes(o.filter));
  const sizes = parseSizes(o.sizes);
  if (o.help || chosen.length === 0) {
    console.log(o.help ? USAGE : `no scenario has "${o.filter}" in its name\n\n${USAGE}`);
    return o.help ? 0 : 1;
  }
  const folder = mkdtempSync(join(tmpdir(), 'nflink-bench-'));
  try {
    const tools = toolsIn(folder);
    const here = machine();
    const results: Result[] = [];
    console.log(`${formatMachine(here)}\n`);
    for (const scenario of chosen) {
      console.log(`${scenario.name}: ${scenario.about}\n`);
      for (const size of sizes) {
        const progress = progressLine(`${scenario.name} ${size}`);
        const { repetitions, warmUps } = o.quick ? QUICK : { repetitions: scenario.repetitions, warmUps: WARM_UPS };
        const result = await runScenario(scenario, size, tools, { repetitions, warmUps, progress: progress.show });
        progress.clear();
        results.push(result);
        console.log(formatResult(result));
      }
    }
    if (o.json !== undefined) {
      const report: Report = { date: new Date().toISOString(), machine: here, results };
      writeFileSync(o.json, `${JSON.stringify(report, undefined, 1)}\n`);
      console.log(`written to ${o.json}`);
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function toolsIn(folder: string): Tools {
  const compiled = new Map<string, Promise<string>>();
  return {
    folder,
    floor(name) {
      const known = compiled.get(name) ?? compileFloor(name, folder);
      compiled.set(name, known);
      return known;
    },
  };
}

/** On a terminal a line that is written over, elsewhere a line now and then. */
function progressLine(what: string): { show: (done: number, all: number) => void; clear: () => void } {
  const { stderr } = process;
  let shown = -1;
  return {
    show(done, all) {
      const tenths = Math.floor((done * 10) / all);
      if (stderr.isTTY) stderr.write(`\r${what}: ${done}/${all}\x1b[K`);
      else if (tenths !== shown) stderr.write(`${what}: ${done}/${all}\n`);
      shown = tenths;
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}

try {
  process.exitCode = await main();
} catch (err) {
  const misused = err instanceof RangeError || (err instanceof TypeError && 'code' in err && String(err.code).startsWith('ERR_PARSE_ARGS'));
  console.error(misused ? `${err.message}\n\n${USAGE}` : err);
  process.exitCode = 1;
}
