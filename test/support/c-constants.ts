// The values of constants of the kernel's headers, as a C compiler sees them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileC } from './compile-c.ts';
import { cleanEnv } from './namespace.ts';

/** One number per constant or constant expression. */
export function constantValues(headers: readonly string[], constants: readonly (string | number)[]): number[] {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-words-'));
  try {
    const source = join(folder, 'words.c');
    const lines = constants.map((c) => `  printf("%lld\\n", (long long)(${c}));`);
    writeFileSync(source, `${headers.map((h) => `#include <${h}>`).join('\n')}\nint main(void) {\n${lines.join('\n')}\n  return 0;\n}\n`);
    const done = spawnSync(compileC(source), { encoding: 'utf8', env: cleanEnv() });
    assert.equal(done.status, 0);
    return done.stdout.trim().split('\n').map(Number);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
