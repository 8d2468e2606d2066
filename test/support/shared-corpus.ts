// The corpus beside the project: what the real programs printed for whole hosts, and command lines with their outcomes. A clone elsewhere
// doesn't have it; as with the oracle (oracle.ts), a test without it passes and says loudly that nothing was compared.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { root } from './fixtures.ts';

/** A file of the corpus, from NFLINK_CORPUS or `../shared/corpus`; undefined, with a warning, where there is none. */
export function sharedCorpus(t: TestContext, ...file: string[]): string | undefined {
  const path = join(process.env['NFLINK_CORPUS'] ?? join(root, '..', 'shared', 'corpus'), ...file);
  if (existsSync(path)) return readFileSync(path, 'utf8');
  t.diagnostic(`THE CORPUS WAS NOT COMPARED: no file ${path} (or in NFLINK_CORPUS)`);
  return undefined;
}

/** The text of each table of a golden listing, after its line `*name`. */
export function goldenTables(text: string): ReadonlyMap<string, string> {
  const parts = text.split(/^\*(\w+)\n/m).slice(1);
  const out = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) out.set(parts[i] ?? '', parts[i + 1] ?? '');
  return out;
}
