// bench:queue measures what it says, at a size where its figures mean nothing: that they are there, and that nothing is lost.
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
    readonly figures: Readonly<Record<string, unknown>> & { readonly took: readonly number[] };
  }[];
}

const script = fileURLToPath(new URL('../../bench/queue.js', import.meta.url));

test('calls on either backend, with all figures and none lost', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-queue-'));
  try {
    const json = join(folder, 'figures.json');
    const words = ['--rules', '300', '--rate', '400', '--seconds', '2', '--json', json];
    const { stdout } = await promisify(execFile)(process.execPath, [script, ...words], { env: cleanEnv() });
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as Report;
    assert.deepEqual(
      results.map(({ backend }) => backend),
      ['nft', 'legacy'],
    );
    for (const { rules, figures } of results) {
      assert.deepEqual(Object.keys(figures), ['calls', 'lost', 'took', 'mainThread', 'growth', 'delays', 'idle']);
      assert.deepEqual([figures['calls'], figures['lost'], figures.took.length], [800, 0, 800]);
      assert.ok(rules > 0 && figures.took.every((took) => took > 0));
    }
    assert.match(stdout, /nft: 800 calls, 400 a second.*legacy: 800 calls/s);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('it says how it is called, and what it does not understand', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [script, '--help'], { env: cleanEnv() });
  assert.match(stdout, /--backend.*--rate.*--seconds.*--json/s);
  const bad = promisify(execFile)(process.execPath, [script, '--backend', 'none'], { env: cleanEnv() });
  await assert.rejects(bad, { code: 1, stderr: /no backend none/ });
});
