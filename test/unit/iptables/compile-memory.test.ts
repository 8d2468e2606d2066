// Texts that follow one another share what they have in common, and keep nothing of those before.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type CompiledRuleset, compile } from '../../../lib/index.ts';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as () => void;

const RULES = 2000;
const TEXTS = 150;

/** Another rule changes with each. */
function text(n: number): string {
  const rules = Array.from({ length: RULES }, (_, i) => {
    const port = (n >= i ? 1 : 0) + 80;
    return `-A INPUT -s 10.1.${i >> 8}.${i & 255}/32 -p tcp -m tcp --dport ${port} -m comment --comment "rule number ${i} of a long text" -j ACCEPT`;
  });
  return `*filter\n:INPUT ACCEPT [0:0]\n${rules.join('\n')}\nCOMMIT\n`;
}

test('compile keeps no text but the last', async () => {
  let last: CompiledRuleset | undefined;
  const compileOne = async (n: number): Promise<void> => {
    last = compile(text(n));
    // What a WeakRef was asked for stays until the end of the turn.
    await turn();
  };
  const used = (): number => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  for (let n = 0; n < 10; n++) await compileOne(n);
  const before = used();
  for (let n = 10; n < 10 + TEXTS; n++) await compileOne(n);
  const grown = used() - before;
  assert.equal(last?.rules, RULES);
  const kept = grown / text(0).length;
  assert.ok(kept < TEXTS / 10, `${kept.toFixed(1)} texts are kept of ${TEXTS}`);
});
