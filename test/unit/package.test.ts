// What package.json promises to those who install it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../support/fixtures.ts';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly gypfile: boolean;
  readonly license: string;
  readonly engines: { readonly node: string };
}
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifest = JSON.parse(read('package.json')) as Manifest;

test('installing runs nothing', () => {
  // `prebuild` would be npm's hook before `build`; `gypfile: false` keeps npm from calling node-gyp for binding.gyp.
  const hooks = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'prebuild', 'postbuild'];
  assert.deepEqual(
    Object.keys(manifest.scripts).filter((name) => hooks.includes(name)),
    [],
  );
  assert.equal(manifest.gypfile, false);
});

test('loading the prebuild is all that needs a dependency', () => {
  assert.deepEqual(Object.keys(manifest.dependencies), ['node-gyp-build']);
});

test('licence and Node version are stated', () => {
  assert.equal(manifest.license, 'GPL-2.0-or-later');
  assert.match(read('LICENSE'), /GNU GENERAL PUBLIC LICENSE\s+Version 2, June 1991/);
  assert.equal(manifest.engines.node, '>=20.19');
});

test('the lock file names no registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved"|https?:\/\/[^"]*\.tgz/);
});
