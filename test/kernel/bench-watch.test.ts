// bench:watch measures what it says, at a size where its figures mean nothing: that they are there, not what they are.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cleanEnv } from '../support/namespace.ts';

interface Report {
  readonly results: readonly {
    readonly backend: string;
    readonly rules: number;
    readonly bytes: number;
    readonly figures: Readonly<Record<string, unknown>>;
  }[];
}

test('polls and a watch on either backend, each with all its figures', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-watch-'));
  try {
    const json = join(folder, 'figures.json');
    const script = fileURLToPath(new URL('../../bench/watch.js', import.meta.url));
    const words = ['--polled', '300', '--watched', '200', '--seconds', '1', '--interval', '50', '--json', json];
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...words], { env: cleanEnv() });
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    assert.deepEqual(
      results.map(({ backend, figures }) => [backend, ...Object.keys(figures)]),
      ['nft', 'legacy'].flatMap((backend) => [
        [backend, 'first', 'later', 'delays', 'peakBytes'],
        [backend, 'polls', 'skipped', 'mainThread', 'growth', 'delays', 'idle'],
      ]),
    );
    for (const { rules, bytes, figures } of results) {
      assert.ok(rules > 0 && bytes > rules * 50);
      for (const one of Object.values(figures).flatMap((f) => (typeof f === 'object' && f !== null ? Object.values(f) : [f])))
        assert.ok(Number.isFinite(one));
    }
    assert.match(stdout, /nft: polls of \d+ rules.*nft: a watch of \d+ rules.*legacy: polls of \d+ rules.*legacy: a watch of \d+ rules/s);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
