// Arrows point one way: iptables → nftables → counters, sync → model → wire; nothing imports upwards, and nobody but native.ts loads the addon. What 'nflink' is,
// index.ts, is below prometheus/: who imports 'nflink' alone does not load that.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';
import { root } from '../support/fixtures.ts';

const lib = join(root, 'lib');

/** Rooms from the lowest up; a file may import its own room and lower ones. Files of lib/ itself by name. */
const layers: readonly (readonly string[])[] = [
  ['wire'],
  ['errno.ts', 'native.ts', 'run.ts', 'errors.ts', 'namespace-file.ts', 'connection.ts'],
  ['model'],
  ['counters'],
  ['sync'],
  ['nftables'],
  ['iptables'],
  ['index.ts'],
  ['prometheus'],
];

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((f) =>
    f.isDirectory() ? files(join(folder, f.name)) : [join(folder, f.name)],
  );
}

function layer(file: string): number {
  const room = relative(lib, file).split('/')[0] ?? '';
  const found = layers.findIndex((names) => names.includes(room));
  assert.ok(found >= 0, `${relative(root, file)} is in no room of this test: add it where it belongs`);
  return found;
}

function imports(file: string): string[] {
  return [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s[^;]*?from '([^']+)'/gms)].map((m) => m[1] ?? '');
}

const all = files(lib).filter((f) => f.endsWith('.ts'));

describe('imports of lib/', () => {
  it('point downwards', () => {
    const wrong: string[] = [];
    for (const file of all) {
      for (const target of imports(file)) {
        if (!target.startsWith('.')) continue;
        const to = resolve(dirname(file), target);
        if (layer(to) > layer(file)) wrong.push(`${relative(root, file)} → ${relative(root, to)}`);
      }
    }
    assert.deepEqual(wrong, []);
  });

  it('reach nothing outside but a few of Node’s own modules', () => {
    const outside = new Set(all.flatMap(imports).filter((target) => !target.startsWith('.') && target !== 'prom-client'));
    assert.deepEqual([...outside].sort(), [
      'node:events',
      'node:fs',
      'node:module',
      'node:os',
      'node:path',
      'node:timers/promises',
      'node:url',
      'node:util',
    ]);
  });

  it('take nothing but types from prom-client, in prometheus/ alone', () => {
    const users = all.filter((f) => readFileSync(f, 'utf8').includes("'prom-client'"));
    assert.deepEqual(new Set(users.map((f) => relative(lib, dirname(f)))), new Set(['prometheus']));
    for (const file of users) {
      const text = readFileSync(file, 'utf8');
      const named = text.split("'prom-client'").length - 1;
      const types = [...text.matchAll(/^import type [^;]*? from 'prom-client';$/gms)].length;
      assert.equal(types, named, relative(root, file));
    }
  });

  it('let only native.ts load the addon', () => {
    const loaders = all.filter((f) => readFileSync(f, 'utf8').includes('createRequire')).map((f) => relative(root, f));
    assert.deepEqual(loaders, ['lib/native.ts']);
  });
});
