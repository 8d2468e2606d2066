// A lock file of a test's own: tests and programs that use the machine's would wait for each other.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** XTABLES_LOCKFILE, for this process and those it starts, is a file of a new folder while `fn` runs. */
export async function withLockFile<T>(fn: (path: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'nflink-lock-'));
  const path = join(folder, 'xtables.lock');
  const before = process.env['XTABLES_LOCKFILE'];
  process.env['XTABLES_LOCKFILE'] = path;
  try {
    return await fn(path);
  } finally {
    if (before === undefined) delete process.env['XTABLES_LOCKFILE'];
    else process.env['XTABLES_LOCKFILE'] = before;
    rmSync(folder, { recursive: true });
  }
}

let own: string | undefined;

/** As `withLockFile`, for the life of this process. Nobody has made the file yet. */
export function ownLockFile(): string {
  if (own !== undefined) return own;
  const folder = mkdtempSync(join(tmpdir(), 'nflink-lock-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  own = join(folder, 'xtables.lock');
  process.env['XTABLES_LOCKFILE'] = own;
  return own;
}
