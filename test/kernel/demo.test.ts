// The demo judges itself: its exit code is 0 only if every comparison with the real programs held.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { assertPrivate, cleanEnv } from '../support/namespace.ts';

test('the demo runs and every comparison in it holds', async () => {
  assertPrivate();
  const main = fileURLToPath(new URL('../../examples/demo/main.js', import.meta.url));
  const demo = spawn(process.execPath, ['--enable-source-maps', main], { stdio: ['ignore', 'pipe', 'pipe'], env: cleanEnv() });
  let printed = '';
  for (const stream of [demo.stdout, demo.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
  }
  const [code] = (await once(demo, 'close')) as [number | null];
  assert.equal(code, 0, printed);
  assert.match(printed, /✓ all \d+ comparisons held/);
  assert.doesNotMatch(printed, /✗|\u001b\[/);
});
