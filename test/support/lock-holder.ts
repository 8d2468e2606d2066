// Another process that holds the xtables lock, for tests of waiting.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { cleanEnv } from './namespace.ts';

/** Processes that hold the flock of a file, as the kernel says. */
export function holders(path: string): number[] {
  const { ino } = statSync(path);
  return readFileSync('/proc/locks', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, kind, , , , file]) => kind === 'FLOCK' && file?.split(':')[2] === String(ino))
    .map(([, , , , pid]) => Number(pid));
}

export class LockHolder implements AsyncDisposable {
  readonly #child: ChildProcess;
  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Resolves when the lock is held; until `release` nobody else gets it. */
  static async take(path: string): Promise<LockHolder> {
    const child = spawn('flock', [path, 'sh', '-c', 'echo held; exec cat'], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: cleanEnv(),
      // A process group of its own, for `kill`.
      detached: true,
    });
    await once(child.stdout, 'data');
    return new LockHolder(child);
  }

  /** The process that took the lock. */
  get pid(): number {
    return this.#child.pid as number;
  }

  /** Ends the process and its child, without this process having to come to its event loop. */
  kill(): void {
    process.kill(-this.pid, 'SIGKILL');
  }
  /** Lets go; done when the process has ended. */
  async release(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    await ended;
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}
