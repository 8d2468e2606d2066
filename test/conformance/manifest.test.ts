// The manifest is looked at whole: each difference is of a suite that runs, or nobody would notice that it is none.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { root } from '../support/fixtures.ts';
import { differences, suites } from './manifest.ts';

it('every suite of the manifest is a file, and every difference says why', () => {
  for (const suite of suites) {
    const file = join(root, 'test', 'conformance', `${suite}.test.ts`);
    assert.ok(existsSync(file), suite);
    assert.ok(readFileSync(file, 'utf8').includes(`conformance('${suite}'`), suite);
  }
  for (const [name, { why, suite }] of Object.entries(differences)) {
    assert.ok(why.length > 0, name);
    assert.ok(suites.includes(suite), name);
  }
});
