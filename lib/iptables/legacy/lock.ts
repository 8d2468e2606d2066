// Waiting for the lock that every iptables-legacy takes, and who has it. The tries themselves are the addon's, each without waiting.
import { readFileSync, statSync } from 'node:fs';
import { EAGAIN } from '../../errno.ts';
import { NetfilterError } from '../../errors.ts';
import { type Step, step, type Verb } from '../../run.ts';
import { lockPath } from './requests.ts';

/** Between two tries, in milliseconds: short at first, since most holders are done in a few. */
const FIRST_PAUSE = 2;
const LONGEST_PAUSE = 50;

/** Tries until it is not busy, for at most `timeoutMs`. Nothing was sent while it was busy, so an abort in between is in time. */
export function* whenFree<T extends { readonly busy?: boolean }>(what: string, timeoutMs: number, attempt: () => Verb<T>): Verb<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
    const reply = yield* attempt();
    if (reply.busy !== true) return reply;
    const left = deadline - performance.now();
    if (left <= 0) throw held(what, timeoutMs);
    yield* step(wait(Math.min(pause, left)));
  }
}

function wait(ms: number): Step<void> {
  return {
    sync: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
    async: (signal) =>
      new Promise((resolve, reject) => {
        const aborted = (): void => {
          clearTimeout(timer);
          reject(signal?.reason);
        };
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', aborted);
          resolve();
        }, ms);
        signal?.addEventListener('abort', aborted, { once: true });
      }),
  };
}

function held(what: string, timeoutMs: number): NetfilterError {
  const holder = lockHolder(lockPath());
  const who = holder === undefined ? 'another program' : `process ${holder.pid}${holder.name === undefined ? '' : ` (${holder.name})`}`;
  return new NetfilterError(`${what}: ${who} holds the xtables lock ${lockPath()}, waited ${timeoutMs} ms for it; nothing was sent`, {
    code: 'EAGAIN',
    errno: EAGAIN,
  });
}

/**
 * Who holds the flock of a file, where /proc/locks shows it: processes of another pid namespace have no number there, and where stat(2) gives
 * another device than the file system's own (overlayfs, btrfs) nobody is named.
 */
function lockHolder(path: string): { readonly pid: number; readonly name: string | undefined } | undefined {
  try {
    const wanted = numbersOf(statSync(path, { bigint: true }));
    for (const line of readFileSync('/proc/locks', 'utf8').split('\n')) {
      // 3: FLOCK  ADVISORY  WRITE 1234 00:19:4711 0 EOF
      const [, kind, , , pid = '', file = ''] = line.trim().split(/\s+/);
      if (kind !== 'FLOCK' || file !== wanted || !(Number(pid) > 0)) continue;
      return { pid: Number(pid), name: nameOf(pid) };
    }
  } catch {
    // What can't be read can't be said.
  }
  return undefined;
}

/** Device and inode as lock_get_status of fs/locks.c prints them; the device as gnu_dev_major and gnu_dev_minor take it apart. */
function numbersOf({ dev, ino }: { readonly dev: bigint; readonly ino: bigint }): string {
  const major = ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n);
  const minor = (dev & 0xffn) | ((dev >> 12n) & 0xffffff00n);
  const hex = (n: bigint): string => n.toString(16).padStart(2, '0');
  return `${hex(major)}:${hex(minor)}:${ino}`;
}

function nameOf(pid: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
