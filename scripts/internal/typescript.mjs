// Compiling lib/ to dist/, and lib, tests, examples and benchmarks together to build-test/.
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bin, filesUnder, root, run } from './steps.mjs';

export const libSources = ['lib', 'tsconfig.json', 'package.json', 'package-lock.json'];
export const testSources = [...libSources, 'tsconfig.test.json', 'test', 'examples', 'bench'];

export async function buildLib() {
  await run(bin('tsc'), ['-p', 'tsconfig.json']);
  removeOrphans('dist', 'lib');
}

/** Needs dist/: programs that import from 'nflink' get the package as its users do. */
export async function buildTests() {
  await run(bin('tsc'), ['-p', 'tsconfig.test.json']);
  removeOrphans('build-test', '.');
}

// What was compiled from a source that is gone must neither be shipped nor run. The folders are not emptied before a
// build, because somebody may be running from them.
function removeOrphans(out, sources) {
  for (const file of filesUnder([out])) {
    const source = join(sources, file.slice(out.length + 1).replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts'));
    if (!existsSync(join(root, source))) rmSync(join(root, file));
  }
}
