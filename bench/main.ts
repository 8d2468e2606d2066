// The benchmarks: nflink beside the real programs and beside the least the kernel's interface allows. See README.md.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compileFloor } from './harness/floor.ts';
import { type Machine, machine } from './harness/machine.ts';
import { formatGrowth, formatMachine, formatResult } from './harness/report.ts';
import { type Growth, growthOf, type Result, runScenario } from './harness/run.ts';
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
  readonly growth: readonly Growth[];
}

/** The command line, or why it is none. */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        filter: { type: 'string', default: '' },
        sizes: { type: 'string', default: '1k,10k' },
        json: { type: 'string' },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const chosen = scenarios.filter((s) => s.name.includes(values.filter));
    if (chosen.length === 0) return `no scenario has "${values.filter}" in its name`;
    return { ...values, chosen, sizes: parseSizes(values.sizes) };
  } catch (err) {
    return (err as Error).message;
  }
}

async function main(): Promise<number> {
  const o = readArguments();
  if (typeof o === 'string') {
    console.error(`${o}\n\n${USAGE}`);
    return 1;
  }
  if (o.help) {
    console.log(USAGE);
    return 0;
  }
  const { chosen, sizes } = o;
  const folder = mkdtempSync(join(tmpdir(), 'nflink-bench-'));
  try {
    const tools = toolsIn(folder);
    const here = machine();
    const results: Result[] = [];
    const growths: Growth[] = [];
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
      const own = results.filter((r) => r.scenario === scenario.name);
      const growth = scenario.growth === undefined ? undefined : growthOf(scenario.growth, own);
      if (growth !== undefined) {
        growths.push(growth);
        console.log(formatGrowth(growth));
      }
    }
    if (o.json !== undefined) {
      const report: Report = { date: new Date().toISOString(), machine: here, results, growth: growths };
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
  let shown = 0;
  return {
    show(done, all) {
      const quarters = Math.floor((done * 4) / all);
      if (stderr.isTTY) stderr.write(`\r${what}: ${done}/${all}\x1b[K`);
      else if (quarters !== shown) stderr.write(`${what}: ${quarters * 25} %\n`);
      shown = quarters;
    },
    clear() {
      if (stderr.isTTY) stderr.write('\r\x1b[K');
    },
  };
}

process.exitCode = await main();
