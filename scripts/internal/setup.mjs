// Everything between a fresh clone and a tree that can be run: each part is done only when its inputs changed.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemPackages } from './debian.mjs';
import { buildWithCmake, nativeExtra, nativeSources } from './native.mjs';
import { all, Failure, remembered, root, run, seconds, step } from './steps.mjs';
import { buildLib, buildTests, libSources, testSources } from './typescript.mjs';

export async function setup() {
  const start = performance.now();
  requireNode();
  await systemPackages();
  await npmDependencies();
  await all([native(), typescript()]);
  console.log(`✓ set up (${seconds(start)})`);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Failure(`nflink needs Node 20.19 or later; this is ${process.versions.node}`);
}

async function npmDependencies() {
  if (lockIsInstalled()) return;
  await step('npm dependencies', () => run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--ignore-scripts']));
}

// npm records what it installed in the form of the lock file itself, which makes the comparison exact.
function lockIsInstalled() {
  const record = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(record)) return false;
  const packages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;
  const installed = packages(record);
  return Object.entries(packages(join(root, 'package-lock.json'))).every(
    ([path, wanted]) => path === '' || (installed[path] ? installed[path].version === wanted.version : wanted.optional === true),
  );
}

const native = () =>
  remembered('native', { inputs: nativeSources, extra: nativeExtra(), outputs: ['build/Release/nflink.node'] }, () =>
    step('native addon (cmake-js)', () => buildWithCmake()),
  );

async function typescript() {
  await remembered('lib', { inputs: libSources, outputs: ['dist/index.js'] }, () => step('TypeScript: lib', buildLib));
  await remembered('tests', { inputs: testSources, outputs: ['build-test/lib/index.js'] }, () =>
    step('TypeScript: tests, examples, benchmarks', buildTests),
  );
}
