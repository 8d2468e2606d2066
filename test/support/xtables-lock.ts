// A lock file of the test process's own for legacy iptables, nflink's and the real programs': tests that run at the same time, in other
// processes, don't wait for each other. Importing this file sets it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const dir = mkdtempSync(join(tmpdir(), 'nflink-xtables-'));
process.once('exit', () => rmSync(dir, { recursive: true, force: true }));

export const lockFile: string = join(dir, 'xtables.lock');
process.env['XTABLES_LOCKFILE'] = lockFile;
