// Building the addon: with cmake-js for developers and prebuilds, with node-gyp as a consumer's source build does.
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { bin, digest, filesUnder, root, run } from './steps.mjs';

/** Everything the addon is made from. */
export const nativeSources = ['native', 'CMakeLists.txt', 'binding.gyp', 'scripts/prebuild-gyp'];

/** What else decides how the addon comes out; `binary` tells cmake-js which Node-API headers to take. */
export function nativeExtra() {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const versions = ['cmake-js', 'node-api-headers'].map((name) => lock[`node_modules/${name}`]?.version);
  return [process.arch, ...versions].join(' ');
}

export const nativeDigest = () => digest(nativeSources, nativeExtra());

/** Builds into `out` (`build` → build/Release/nflink.node). Only what changed is compiled again. */
export async function buildWithCmake({ out = 'build', config = 'Release', defines = {} } = {}) {
  forgetMovedTree(join(root, out));
  const custom = Object.entries(defines).map(([name, value]) => `--CD${name}=${value}`);
  await run(bin('cmake-js'), ['build', '--out', out, '--config', config, '--log-level', 'warn', ...custom]);
  return `${out}/${config}/nflink.node`;
}

// CMake refuses a cache that another source directory made, as after moving or copying a checkout.
function forgetMovedTree(out) {
  const cache = join(out, 'CMakeCache.txt');
  if (!existsSync(cache)) return;
  const home = /^CMAKE_HOME_DIRECTORY:INTERNAL=(.*)$/m.exec(readFileSync(cache, 'utf8'))?.[1];
  if (home !== root) rmSync(out, { recursive: true, force: true });
}

/** Calls `fn` with a temporary copy of what a source build needs, so that the developer's build folder stays as it is. */
export async function inSourceCopy(fn) {
  const dir = mkdtempSync(join(tmpdir(), 'nflink-build-'));
  try {
    for (const file of filesUnder([...nativeSources, 'package.json'])) cpSync(join(root, file), join(dir, file));
    symlinkSync(join(root, 'node_modules'), join(dir, 'node_modules'));
    return await fn(dir);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** node-gyp wants Node's own headers: those beside the running Node where there are any, else it downloads them. */
export function gypEnvironment() {
  const prefix = dirname(dirname(process.execPath));
  const env = { ...process.env };
  if (env.npm_config_nodedir === undefined && existsSync(join(prefix, 'include/node/node_api.h'))) env.npm_config_nodedir = prefix;
  return env;
}
