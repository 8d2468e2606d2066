// Test-only C: programs and shared objects compiled on the spot into a folder that goes when this process ends.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cleanEnv } from './namespace.ts';

export interface CompileOptions {
  /** Names for pkg-config. */
  readonly packages?: readonly string[];
  /** A shared object, as LD_PRELOAD takes it. */
  readonly shared?: boolean;
}

let folder: string | undefined;

/** The path of what was made from `source`. Throws with the compiler's words. */
export function compileC(source: string, o: CompileOptions = {}): string {
  if (folder === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'nflink-test-c-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    folder = made;
  }
  const packages = o.packages ?? [];
  const flags =
    packages.length === 0
      ? []
      : tool('pkg-config', ['--cflags', '--libs', ...packages])
          .trim()
          .split(/\s+/);
  const out = join(folder, `${basename(source, '.c')}${o.shared ? '.so' : ''}`);
  tool('gcc', [
    '-std=gnu11',
    '-O1',
    '-g',
    '-Wall',
    '-Wextra',
    '-Werror',
    ...(o.shared ? ['-shared', '-fPIC'] : []),
    '-o',
    out,
    source,
    ...flags,
  ]);
  return out;
}

function tool(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', env: cleanEnv() });
  if (done.error !== undefined) throw done.error;
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}:\n${done.stderr}`);
  return done.stdout;
}
