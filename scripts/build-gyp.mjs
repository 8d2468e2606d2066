// npm run build:gyp: proves that binding.gyp builds an addon that loads, in a temporary copy of the sources.
import { join } from 'node:path';
import { gypEnvironment, inSourceCopy } from './internal/native.mjs';
import { bin, main, run, step } from './internal/steps.mjs';

await main(() =>
  step('native addon (node-gyp)', () =>
    inSourceCopy(async (dir) => {
      await run(bin('node-gyp'), ['rebuild'], { cwd: dir, env: gypEnvironment() });
      await run(process.execPath, ['-e', `require(${JSON.stringify(join(dir, 'build/Release/nflink.node'))})`]);
    }),
  ),
);
