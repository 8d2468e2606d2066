// The netfilter project's own extension cases, with what the real programs did. They are read from beside the project and
// are not part of it, so a clone elsewhere doesn't have them. Their absence is no skipped test (npm test fails on those): the
// test passes, warns where it runs, and npm test says at its end which files had nothing to compare.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { root } from './fixtures.ts';

/** The folder of the cases, from NFLINK_ORACLE or `../shared/oracle`; undefined where there is none. */
export function oraclePath(): string | undefined {
  const path = process.env['NFLINK_ORACLE'] ?? join(root, '..', 'shared', 'oracle');
  return existsSync(path) ? path : undefined;
}

/** The lines of a JSON-lines file of the oracle; undefined, with a warning, where there is none. */
export function oracleCases<T>(t: TestContext, file: string): readonly T[] | undefined {
  const path = oraclePath();
  if (path === undefined) {
    t.diagnostic(`THE ORACLE CASES WERE NOT COMPARED: no folder ../shared/oracle (or NFLINK_ORACLE) with ${file}`);
    return undefined;
  }
  const lines = readFileSync(join(path, file), 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as T);
}
