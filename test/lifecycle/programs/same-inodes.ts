// Two file systems with a lock file each, of one inode number, held by two processes: prints whom nflink names for which. In a mount namespace
// of its own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Iptables } from '../../../lib/index.ts';
import { LockHolder } from '../../support/lock-holder.ts';

const folder = mkdtempSync(join(tmpdir(), 'nflink-inodes-'));
const mounts = ['a', 'b'].map((name) => join(folder, name));
try {
  const locks = mounts.map((mount) => {
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mount]);
    const lock = join(mount, 'lock');
    writeFileSync(lock, '');
    return lock;
  });
  const holders: LockHolder[] = [];
  for (const lock of locks) holders.push(await LockHolder.take(lock));
  const ipt = await Iptables.open({ family: 'ip', backend: 'legacy', lockTimeoutMs: 0 });
  const errors: string[] = [];
  for (const lock of locks) {
    process.env['XTABLES_LOCKFILE'] = lock;
    await ipt.append('filter', 'INPUT', '-j DROP').catch((err: Error) => errors.push(err.message));
  }
  await ipt.close();
  const pids = holders.map((holder) => holder.pid);
  for (const holder of holders) await holder.release();
  console.log(JSON.stringify({ same: new Set(locks.map((lock) => statSync(lock).ino)).size === 1, errors, pids }));
} finally {
  for (const mount of mounts) execFileSync('umount', [mount]);
  rmSync(folder, { recursive: true });
}
